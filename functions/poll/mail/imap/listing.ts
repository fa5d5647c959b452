import type { FetchMessageObject } from 'imapflow';
import type { ImapCursor, Listed, Listing } from '../../../../shared/ports/mail-source.ts';
import { MailError } from '../../../../shared/ports/mail-source.ts';
import { recentUids } from '../../../../shared/recent-uids.ts';
import { MAX_LISTED_MESSAGES } from './limits.ts';
import type { OpenedMailbox } from './mailbox.ts';
import { quotable } from './server-text.ts';
import type { ImapSession } from './session.ts';

const HIGHEST_UID = 0xffff_ffff;

/** The UIDs a listing asks for, both ends included. */
interface UidRange {
  readonly first: number;
  /** Null when the server gives no UIDNEXT: the range is then open. */
  readonly last: number | null;
}

/**
 * Lists what the cursor does not cover in the mailbox that was just opened: everything above `lastUid`, and what appeared
 * late among the last known UIDs. A message that arrives meanwhile belongs to the next listing. Throws MailError.
 */
export async function listMailbox(
  session: ImapSession,
  opened: OpenedMailbox,
  cursor: ImapCursor | null,
): Promise<Listing> {
  const reset = cursor !== null && !sameMailbox(cursor, opened);
  const known = reset ? null : cursor;
  const range = rangeToList(known, opened);
  const rows = range === null ? [] : await listRange(session, opened, range);
  const uncovered = rows.filter(({ uid }) => !isCovered(uid, known));
  const uids = uncovered.map(({ uid }) => uid);
  return {
    continuity: reset ? 'reset' : 'same',
    items: uncovered.map((row) => listedOf(row, opened, known)).filter((item) => isWanted(item, known)),
    exists: opened.exists ?? rows.length,
    next: nextCursor(known, opened, uids),
  };
}

/** UIDs mean the same messages as long as UIDVALIDITY, and the mailbox itself, is the same (RFC 9051 2.3.1.1, RFC 8474). */
function sameMailbox(cursor: ImapCursor, opened: OpenedMailbox): boolean {
  if (cursor.uidValidity !== opened.uidValidity) return false;
  return cursor.mailboxId === null || opened.mailboxId === null || cursor.mailboxId === opened.mailboxId;
}

/** Null when there is nothing to list. */
function rangeToList(known: ImapCursor | null, opened: OpenedMailbox): UidRange | null {
  const { uidNext, exists } = opened;
  if (exists === 0) return null;
  const last = uidNext === null ? null : uidNext - 1;
  if (known === null) return last === 0 ? null : { first: 1, last };
  const nothingArrived =
    uidNext !== null && uidNext === known.uidNext && exists !== null && exists === known.exists;
  // A cursor that was moved on in the middle of a backlog has everything above it still to come.
  if (nothingArrived && known.lastUid >= uidNext - 1) return null;
  const first = Math.max(1, Math.min(known.recent[0] ?? known.lastUid + 1, known.lastUid + 1));
  return last !== null && first > last ? null : { first, last };
}

/** What is kept of a row: far less than imapflow makes of it, for there can be very many. */
interface Row {
  readonly uid: number;
  readonly sizeBytes: number | null;
  readonly internalDate: string | null;
  readonly flags: readonly string[];
  readonly labels: readonly string[];
}

const NONE: readonly string[] = [];

/** One FETCH, streamed; the rows in the range by ascending UID, each once. */
async function listRange(
  session: ImapSession,
  opened: OpenedMailbox,
  { first, last }: UidRange,
): Promise<Row[]> {
  const rows = new Map<number, Row>();
  const { commandMs, perListedMessageMs } = session.deadlines;
  const timeoutMs = commandMs + (opened.exists ?? 0) * perListedMessageMs;
  const doing = `list the mailbox "${quotable(opened.name, [])}"`;
  const query = { uid: true, size: true, internalDate: true, flags: true, labels: true };
  await session.fetchRows({ doing, timeoutMs }, `${first}:${last ?? '*'}`, query, (row) => {
    // Rows come unasked too, some without UID; and `n:*` answers with the last message even when it is below n.
    const { uid } = row;
    if (uid === undefined || uid < first || uid > (last ?? HIGHEST_UID)) return true;
    rows.set(uid, rowOf(row, rows.get(uid)));
    return rows.size <= MAX_LISTED_MESSAGES;
  });
  if (rows.size > MAX_LISTED_MESSAGES) {
    throw new MailError('protocol', `Cannot ${doing}: it shows more than ${MAX_LISTED_MESSAGES} messages`);
  }
  return [...rows.values()].sort((a, b) => a.uid - b.uid);
}

/** A row, with what an earlier one said of the same message: servers may split an answer. */
function rowOf({ uid, size, internalDate, flags, labels }: FetchMessageObject, before: Row | undefined): Row {
  return {
    uid,
    // imapflow gives 0 for what is no number, too.
    sizeBytes: size || (before?.sizeBytes ?? size ?? null),
    internalDate: internalDate instanceof Date ? internalDate.toISOString() : (before?.internalDate ?? null),
    // \Recent is about the session and not about the message.
    flags: listOf(flags, before?.flags).filter((flag) => flag.toLowerCase() !== '\\recent'),
    labels: listOf(labels, before?.labels),
  };
}

function listOf(now: ReadonlySet<string> | undefined, before: readonly string[] = NONE): readonly string[] {
  if (now === undefined) return before;
  return now.size === 0 ? NONE : [...now];
}

function isCovered(uid: number, known: ImapCursor | null): boolean {
  if (known === null || uid > known.lastUid) return false;
  const windowStart = known.recent[0] ?? known.lastUid + 1;
  return uid < windowStart || known.recent.includes(uid);
}

function listedOf({ uid, ...row }: Row, opened: OpenedMailbox, known: ImapCursor | null): Listed {
  return {
    source: { protocol: 'imap', mailbox: opened.name, uidValidity: opened.uidValidity, uid },
    ...row,
    backfill: known?.backfill != null && uid <= known.backfill.untilUid,
  };
}

/** Of the backfill, only what came in at or after `since`; a message without a date rather than none. */
function isWanted(item: Listed, known: ImapCursor | null): boolean {
  const since = known?.backfill?.since ?? null;
  return !item.backfill || since === null || item.internalDate === null || item.internalDate >= since;
}

/**
 * The cursor once every uncovered message is dealt with. UIDs stay in `recent` after their messages are gone: moved away or
 * not, one that appears between them later is new.
 */
function nextCursor(
  known: ImapCursor | null,
  opened: OpenedMailbox,
  uncovered: readonly number[],
): ImapCursor {
  return {
    protocol: 'imap',
    mailbox: opened.name,
    uidValidity: opened.uidValidity,
    lastUid: Math.max(known?.lastUid ?? 0, uncovered.at(-1) ?? 0, (opened.uidNext ?? 1) - 1),
    recent: recentUids([...(known?.recent ?? []), ...uncovered]),
    uidNext: opened.uidNext,
    exists: opened.exists,
    mailboxId: opened.mailboxId ?? known?.mailboxId ?? null,
    backfill: known?.backfill ?? null,
  };
}
