import type { ImapCursor, Listed, Listing } from '../../shared/ports/mail-source.ts';
import { recentUids } from '../../shared/recent-uids.ts';
import type { PollDeps, PollSession } from './deps.ts';
import { unknownAfterImapReset } from './reconcile.ts';
import { type Survey, withoutKnown } from './survey.ts';

/** Decides which of an IMAP listing's messages are new. */
export async function surveyImap(
  deps: PollDeps,
  session: PollSession,
  cursor: ImapCursor,
  listing: Listing,
): Promise<Survey> {
  const reset = listing.continuity === 'reset';
  const unknown = await withoutKnown(deps, session, listing.items);
  const fresh = reset ? await unknownAfterImapReset(deps, session, unknown) : unknown;
  const { next } = listing;
  return {
    listed: listing.items.length,
    fresh,
    reset,
    partial: (done) => (reset ? null : advanced(cursor, listing.items, done)),
    complete: async () => (sameCursor(cursor, next) ? null : next),
  };
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
