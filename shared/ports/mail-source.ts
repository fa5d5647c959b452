import type { Account, MailErrorCode, ServerAction } from '../account.ts';
import type { Source } from '../identity.ts';
import type { BlobRef } from './blobs.ts';

/** What is remembered of an IMAP mailbox. */
export interface ImapCursor {
  readonly protocol: 'imap';
  readonly mailbox: string;
  readonly uidValidity: string;
  /** Every UID up to this one is known, a gap or none of ours. */
  readonly lastUid: number;
  /** Up to 128 known UIDs, ascending, the last is at most `lastUid`: one that appears between them later is new. */
  readonly recent: readonly number[];
  /** UIDNEXT and EXISTS when last listed: both the same means that nothing arrived. Null when the server gave none. */
  readonly uidNext: number | null;
  readonly exists: number | null;
  /** MAILBOXID (RFC 8474); null where there is none. */
  readonly mailboxId: string | null;
  /** Up to `untilUid` the messages were there before mailhook; of these only such with INTERNALDATE at or after `since` are wanted. */
  readonly backfill: { readonly untilUid: number; readonly since: string | null } | null;
}

/** What is remembered of a POP3 maildrop; see functions/poll/ledger.ts. */
export interface Pop3Cursor {
  readonly protocol: 'pop3';
  /** Always empty: there is the one maildrop. */
  readonly mailbox: '';
  /** Hex SHA-256 over the UIDLs in wire order, each ended by CRLF, of a listing of which all is known; null when none was. */
  readonly listingHash: string | null;
  /** How many messages that listing showed, less those deleted by us since: far fewer known ones now means new UIDLs. */
  readonly listedCount: number;
  /** The ledger blob with the UIDLs known for good; null when none are. */
  readonly base: BlobRef | null;
  /** The ledger blob with the UIDLs that were there before mailhook; null when none are wanted or all of them are done. */
  readonly backfill: BlobRef | null;
}

/** What is remembered of a mailbox: what of it is known. */
export type Cursor = ImapCursor | Pop3Cursor;

/** A message as a listing shows it. */
export interface Listed {
  readonly source: Source;
  /** RFC822.SIZE or LIST's size, a hint; null when the server gave none. */
  readonly sizeBytes: number | null;
  /** INTERNALDATE in ISO 8601 UTC; null for POP3. */
  readonly internalDate: string | null;
  readonly flags: readonly string[];
  readonly labels: readonly string[];
  readonly backfill: boolean;
}

/** What a listing showed. */
export interface Listing {
  /** `reset` when what the cursor says has lost its meaning: another UIDVALIDITY or MAILBOXID. Always `same` for POP3, whose ledger decides. */
  readonly continuity: 'same' | 'reset';
  /**
   * IMAP: what is not covered by the cursor, ascending by UID; everything after a reset, and with no cursor.
   * POP3: the whole maildrop in wire order, or nothing when `listingHash` is unchanged.
   */
  readonly items: readonly Listed[];
  /** How many messages the mailbox holds. */
  readonly exists: number;
  /** The cursor once every item is dealt with. A POP3 source leaves `base` and `backfill` as they were (null with no cursor). */
  readonly next: Cursor;
}

/** How the fetch of one message ended. */
export type Fetched =
  | { readonly kind: 'raw'; readonly item: Listed; readonly bytes: Buffer }
  /** Larger than the limit: only the header section was fetched. */
  | { readonly kind: 'oversize'; readonly item: Listed; readonly head: Buffer; readonly sizeBytes: number }
  /** No longer on the server. */
  | { readonly kind: 'gone'; readonly item: Listed }
  /** The server would not give this one; others may follow. */
  | { readonly kind: 'failed'; readonly item: Listed; readonly error: string };

/** The header section of a message, for telling messages apart without fetching them; null where the server cannot give it. */
export interface Head {
  readonly item: Listed;
  readonly head: Buffer | null;
}

/** Above this only the header section is fetched. */
export interface FetchLimits {
  readonly maxSizeBytes: number;
}

/** Something to do to a message on the server. */
export interface Action {
  /** The settlement it belongs to; handed back in the result. */
  readonly key: string;
  readonly source: Source;
  readonly action: ServerAction;
}

/** How an action ended. */
export interface ActionResult {
  readonly key: string;
  /**
   * `done`; `gone`: the message is not there any more, so there is nothing left to do; `void`: its UIDVALIDITY is another;
   * `retry`: it did not work this time; `refused`: it will never work as things stand (no such keyword allowed, no safe way to delete).
   */
  readonly result: 'done' | 'gone' | 'void' | 'retry' | 'refused';
  /** One line for a person; null for `done` and `gone`. */
  readonly reason: string | null;
}

/** One session with one mail server. Every call ends by itself: deadlines and limits are the source's own. Failures throw MailError. */
export interface MailSource {
  /** Lists what the cursor does not cover; null lists everything. `mailbox` is empty for POP3. */
  list(mailbox: string, cursor: Cursor | null): Promise<Listing>;
  /** Fetches messages of the mailbox listed last, in the order given; never marks anything on the server. */
  fetch(items: readonly Listed[], limits: FetchLimits): AsyncIterable<Fetched>;
  /** Fetches header sections of messages of the mailbox listed last. */
  heads(items: readonly Listed[]): AsyncIterable<Head>;
  /** Acts on messages, of any mailbox; one result for each. For POP3 they count only once `close('commit')` answers `ok`. */
  settle(actions: readonly Action[]): Promise<readonly ActionResult[]>;
  /**
   * Ends the session. POP3: `commit` sends QUIT and answers whether the server said +OK (only then are messages deleted,
   * RFC 1939 section 6); `abort` drops the connection, so nothing is deleted. IMAP: LOGOUT, or just the end. Never throws; a second call
   * answers as the first did.
   */
  close(how: 'commit' | 'abort'): Promise<'ok' | 'unknown'>;
}

/** Opens a session and logs in. The signal ends it at once, whatever it is doing. Throws MailError. */
export type OpenMailSource = (login: MailLogin, signal: AbortSignal) => Promise<MailSource>;

/** What it takes to log in. `readOnly` when no settlement can be needed: IMAP then uses EXAMINE. */
export interface MailLogin
  extends Pick<
    Account,
    'protocol' | 'host' | 'port' | 'security' | 'username' | 'caPem' | 'tlsAllowInvalidCertificate'
  > {
  readonly password: string;
  readonly readOnly: boolean;
}

/** A mail session failed. The message is one line for a person, without secrets. */
export class MailError extends Error {
  override readonly name = 'MailError';
  readonly code: MailErrorCode;
  /** How long the server asks to stay away, in ms; null when it does not say. */
  readonly retryAfterMs: number | null;

  constructor(
    code: MailErrorCode,
    message: string,
    options: { retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}
