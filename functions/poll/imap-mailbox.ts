import type { Source } from '../../shared/identity.ts';
import type { ImapCursor, Listed, Listing } from '../../shared/ports/mail-source.ts';
import type { Gap } from '../../shared/ports/store.ts';
import { recentUids } from '../../shared/recent-uids.ts';
import type { PollDeps, PollSession } from './deps.ts';
import { placeOf, type Waiting } from './gaps.ts';
import { unknownAfterImapReset } from './reconcile.ts';
import { type Survey, withoutKnown } from './survey.ts';

/** What is remembered of an IMAP mailbox: its gaps as far as its poll was given them, and how to read what waits in it at all. */
interface Remembered {
  readonly cursor: ImapCursor;
  readonly gaps: readonly Gap[];
  waiting(): Promise<readonly Waiting[]>;
}

/** Decides which of an IMAP listing's messages are new. */
export async function surveyImap(
  deps: PollDeps,
  session: PollSession,
  { cursor, gaps, waiting }: Remembered,
  listing: Listing,
): Promise<Survey> {
  const reset = listing.continuity === 'reset';
  const unknown = await withoutKnown(deps, session, listing.items);
  const { next } = listing;
  const isPresent = ({ item }: Waiting) => isNumberedBy(next, cursor, reset, item.source);
  // Under the same numbering a message that waits is below the cursor, so it matters only to few whether it does.
  const waits = reset || !gaps.every(isPresent) ? await waiting() : gaps;
  const voided = waits.filter((one) => !isPresent(one));
  const places = new Set(waits.filter(isPresent).map(({ item }) => placeOf(item.source)));
  const candidates = unknown.filter(({ source }) => !places.has(placeOf(source)));
  const waited = voided.map(({ item }) => item);
  const fresh = reset ? await unknownAfterImapReset(deps, session, candidates, waited) : candidates;
  return {
    listed: listing.items.length,
    fresh,
    reset,
    voided,
    partial: (done) => (reset ? null : advanced(cursor, listing.items, done)),
    complete: async () => (sameCursor(cursor, next) ? null : next),
  };
}

/**
 * Whether a UID is one of the mailbox's present ones: another UIDVALIDITY means other messages (RFC 9051 section 2.3.1.1), and
 * so does another mailbox that took over the UIDVALIDITY along with the name.
 */
function isNumberedBy(next: Listing['next'], before: ImapCursor, reset: boolean, source: Source): boolean {
  if (source.protocol !== 'imap' || next.protocol !== 'imap') return false;
  const isOtherMailbox = reset && before.uidValidity === next.uidValidity;
  return source.uidValidity === next.uidValidity && !isOtherMailbox;
}

/** The cursor when everything listed up to the last message done is dealt with: a contiguous prefix, by UID. */
function advanced(cursor: ImapCursor, items: readonly Listed[], done: readonly Listed[]): ImapCursor | null {
  const last = done.at(-1)?.source;
  if (last?.protocol !== 'imap') return null;
  const uids = new Set(cursor.recent);
  for (const { source } of items)
    if (source.protocol === 'imap' && source.uid <= last.uid) uids.add(source.uid);
  const lastUid = Math.max(cursor.lastUid, last.uid);
  return { ...cursor, lastUid, recent: recentUids(uids), uidNext: null, exists: null };
}

function sameCursor(a: ImapCursor, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
