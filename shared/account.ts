import type { AccountId, Protocol } from './identity.ts';
import type { Sealed } from './ports/vault.ts';

/** How a connection to a mail server is secured. */
export type Security = 'tls' | 'starttls' | 'none';

/** Which of the messages that are there at the first login become events. */
export type StartPolicy =
  | { readonly kind: 'now' }
  | { readonly kind: 'all' }
  /** INTERNALDATE on or after the start of `date` (`YYYY-MM-DD`, UTC). IMAP only. */
  | { readonly kind: 'since'; readonly date: string }
  | { readonly kind: 'last'; readonly count: number };

/** What is done to a message on its server once its deliveries ended. POP3 knows `none` and `delete` only. */
export type ServerAction =
  | { readonly kind: 'none' }
  | { readonly kind: 'mark-seen' }
  | { readonly kind: 'flag'; readonly keyword: string }
  | { readonly kind: 'move'; readonly mailbox: string }
  | { readonly kind: 'delete' };

/** What the owner of an account decides. */
export interface AccountSettings {
  readonly name: string;
  readonly protocol: Protocol;
  readonly host: string;
  readonly port: number;
  readonly security: Security;
  readonly username: string;
  /** The polled mailboxes in order; empty for POP3, which has the one maildrop. */
  readonly mailboxes: readonly string[];
  readonly intervalSeconds: number;
  readonly start: StartPolicy;
  readonly onDelivered: ServerAction;
  readonly onFailed: ServerAction;
  /** Days from the end of the deliveries to the deletion on the server; null keeps the message. */
  readonly deleteAfterDays: number | null;
  /** A larger message is delivered with its header only. */
  readonly maxSizeBytes: number;
  /** Certificates (PEM) trusted instead of the system's; null for the system's. */
  readonly caPem: string | null;
  readonly tlsAllowInvalidCertificate: boolean;
}

/** Only an `active` account is polled by the schedule; the others until their owner updates or resumes them. */
export type AccountState = 'active' | 'paused' | 'auth_failed' | 'error';

/** Why a poll failed. The code is stable: one of a mail session, `flood-held` (see `Account.held`), or `internal`. */
export interface AccountError {
  readonly code: MailErrorCode | 'flood-held' | 'internal';
  /** One line without secrets: what was tried and what the server said. */
  readonly message: string;
  readonly at: string;
}

/**
 * How a mail session can fail, told apart by the server's response code and the socket's error:
 * `auth` credentials refused; `rate` too many connections or requests; `busy` the mailbox is locked or the server
 * asks to come back; `network`; `tls`; `protocol` the server broke the protocol; `egress` the address is not allowed;
 * `mailbox` a mailbox does not exist or cannot be opened.
 */
export type MailErrorCode = 'auth' | 'rate' | 'busy' | 'network' | 'tls' | 'protocol' | 'egress' | 'mailbox';

/** One POP3 or IMAP login, its settings and its health. */
export interface Account extends AccountSettings {
  readonly id: AccountId;
  /**
   * `accountIdOf` the present login: the id under which its messages get theirs. The same as `id` until the host, port
   * or user name is changed; a changed login is another place, whose UIDs and UIDLs mean other messages.
   */
  readonly loginId: AccountId;
  readonly auth: 'password';
  readonly credential: Sealed;
  readonly state: AccountState;
  /** Why it is not active, in words; null when active. `adding` until the first baseline is taken. */
  readonly reason: string | null;
  /** Messages held back by the flood guard. */
  readonly held: number;
  /** No scheduled poll before this time (back-off, or the server's own hint). */
  readonly notBefore: string | null;
  readonly consecutiveFailures: number;
  /** Counts changes of state that raise operational events; part of their ids. */
  readonly transitions: number;
  readonly lastPollAt: string | null;
  readonly lastSuccessAt: string | null;
  readonly lastError: AccountError | null;
  readonly createdAt: string;
}

/** Reads `now`, `all`, `since:YYYY-MM-DD`, `last:N`; null when it is none of these. */
export function parseStartPolicy(text: string): StartPolicy | null {
  if (text === 'now' || text === 'all') return { kind: text };
  const since = /^since:(\d{4}-\d{2}-\d{2})$/.exec(text)?.[1];
  if (since !== undefined) return isCalendarDate(since) ? { kind: 'since', date: since } : null;
  const last = /^last:(\d{1,9})$/.exec(text)?.[1];
  return last === undefined ? null : { kind: 'last', count: Number(last) };
}

/** Whether it is a day that there is, written as `YYYY-MM-DD`. */
export function isCalendarDate(date: string): boolean {
  const time = Date.parse(`${date}T00:00:00Z`);
  return Number.isFinite(time) && new Date(time).toISOString().startsWith(date);
}

/** The text that `parseStartPolicy` reads back. */
export function formatStartPolicy(start: StartPolicy): string {
  if (start.kind === 'since') return `since:${start.date}`;
  return start.kind === 'last' ? `last:${start.count}` : start.kind;
}

/** Reads `none`, `mark-seen`, `flag:KEYWORD`, `move:MAILBOX`, `delete`; null when it is none of these. */
export function parseServerAction(text: string): ServerAction | null {
  if (text === 'none' || text === 'mark-seen' || text === 'delete') return { kind: text };
  // RFC 9051 section 9: a keyword is an atom; of the system flags \Flagged and \Answered make sense here.
  const keyword = /^flag:([!#$&'+-[^-z|}~]{1,100})$/.exec(text)?.[1];
  if (keyword !== undefined) return { kind: 'flag', keyword };
  const system = /^flag:\\(Flagged|Answered)$/i.exec(text)?.[1];
  if (system !== undefined) {
    return { kind: 'flag', keyword: `\\${system[0]?.toUpperCase()}${system.slice(1).toLowerCase()}` };
  }
  const mailbox = /^move:(.+)$/s.exec(text)?.[1];
  return mailbox === undefined || /[\r\n\0]/.test(mailbox) ? null : { kind: 'move', mailbox };
}

/** The text that `parseServerAction` reads back. */
export function formatServerAction(action: ServerAction): string {
  if (action.kind === 'flag') return `flag:${action.keyword}`;
  return action.kind === 'move' ? `move:${action.mailbox}` : action.kind;
}
