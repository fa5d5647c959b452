import type { FetchMessageObject, FetchQueryObject } from 'imapflow';
import { type Listed, MailError } from '../../../../shared/ports/mail-source.ts';
import { MAX_BATCH_RECEIVED_BYTES, MAX_HEAD_BYTES, PART_BYTES } from './limits.ts';
import type { ImapSession } from './session.ts';
import { isStandIn } from './stand-in.ts';
import { uidSet } from './uid-set.ts';

/** What a FETCH is to bring of each message; imapflow gives `false` for a `NIL`. */
export interface Wanted {
  readonly query: FetchQueryObject;
  readonly read: (row: FetchMessageObject) => Buffer | false | undefined;
}

/** Some bytes of the message, as they are on the server; never sets \Seen. */
export function sourceFrom(start: number): Wanted {
  return {
    query: { uid: true, source: { start, maxLength: PART_BYTES } },
    read: ({ source }) => source,
  };
}

/** The header section, or as much of it as is taken. */
export const HEADER_SECTION: Wanted = {
  query: { uid: true, bodyParts: [{ key: 'HEADER', start: 0, maxLength: MAX_HEAD_BYTES }] },
  read: ({ headers }) => headers,
};

/** What came of a FETCH: the bytes by UID, also when it broke off. */
export interface Rows {
  readonly bytes: ReadonlyMap<number, Buffer>;
  /** UIDs answered with no bytes: an empty text, or `NIL`. */
  readonly empty: ReadonlyMap<number, 'text' | 'nil'>;
  /** Whether the server gave a notice of its own for a message; such count as nothing. */
  readonly stoodIn: boolean;
  readonly error: MailError | null;
}

/**
 * Fetches and keeps what was asked for. A row counts only with a UID that was asked for and bytes in it: servers send rows
 * for other messages, rows with flags only, and `NIL` or nothing for messages that are just going. What has no bytes is told
 * apart, because a message may be empty.
 */
export async function fetchRows(
  session: ImapSession,
  uids: readonly number[],
  wanted: Wanted,
  info: { readonly doing: string; readonly bytes: number },
): Promise<Rows> {
  const asked = new Set(uids);
  const found = new Map<number, Buffer>();
  const empty = new Map<number, 'text' | 'nil'>();
  let received = 0;
  let stoodIn = false;
  const timeoutMs = session.timeoutMsFor(info.bytes);
  try {
    await session.fetchRows({ doing: info.doing, timeoutMs }, uidSet(uids), wanted.query, (row) => {
      const bytes = wanted.read(row);
      if (!asked.has(row.uid) || bytes === undefined) return true;
      if (bytes !== false && isStandIn(bytes)) {
        stoodIn = true;
        return true;
      }
      if (bytes === false || bytes.length === 0) {
        empty.set(row.uid, bytes === false ? 'nil' : 'text');
        return true;
      }
      received += bytes.length;
      if (received > MAX_BATCH_RECEIVED_BYTES && found.size > 0) return false;
      found.set(row.uid, bytes);
      return true;
    });
    return { bytes: found, empty, stoodIn, error: null };
  } catch (error) {
    if (error instanceof MailError) return { bytes: found, empty, stoodIn, error };
    throw error;
  }
}

/** Which of these UIDs the mailbox still has; null when the server will not say. Throws MailError. */
export async function existingUids(
  session: ImapSession,
  uids: readonly number[],
): Promise<ReadonlySet<number> | null> {
  const info = { doing: 'look for messages', timeoutMs: session.deadlines.commandMs };
  const found = await session.run(info, () => session.client.search({ uid: uidSet(uids) }, { uid: true }));
  if (!Array.isArray(found)) {
    session.refusal();
    return null;
  }
  const asked = new Set(uids);
  return new Set(found.filter((uid) => asked.has(uid)));
}

/** The UID of a listed IMAP message. */
export function uidOf({ source }: Pick<Listed, 'source'>): number {
  if (source.protocol === 'imap') return source.uid;
  throw new Error(`Cannot fetch over IMAP what was listed over ${source.protocol}`);
}
