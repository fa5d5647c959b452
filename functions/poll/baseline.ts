import type { StartPolicy } from '../../shared/account.ts';
import type { ImapCursor, Listed, Listing, Pop3Cursor } from '../../shared/ports/mail-source.ts';
import { recentUids } from '../../shared/recent-uids.ts';
import type { PollDeps, PollSession } from './deps.ts';
import { encodeLedger, ledgerOf } from './ledger.ts';

/**
 * The first cursor of a mailbox: of the messages listed with no cursor, those that `start` does not name count as known.
 * A message that arrives after the listing is new in any case.
 */
export async function baselineCursor(
  deps: PollDeps,
  session: PollSession,
  listing: Listing,
  start: StartPolicy,
): Promise<ImapCursor | Pop3Cursor> {
  const { next, items } = listing;
  return next.protocol === 'imap'
    ? imapBaseline(next, items, start)
    : await pop3Baseline(deps, session, next, items, start);
}

function imapBaseline(next: ImapCursor, items: readonly Listed[], start: StartPolicy): ImapCursor {
  if (start.kind === 'now') return next;
  const known = items.slice(0, firstWanted(items, start));
  const uids = known.map((item) => (item.source.protocol === 'imap' ? item.source.uid : 0));
  return {
    ...next,
    lastUid: uids.at(-1) ?? 0,
    recent: recentUids(uids),
    // Unknown on purpose: the next listing must not take the mailbox for unchanged.
    uidNext: null,
    exists: null,
    backfill: {
      untilUid: next.lastUid,
      since: start.kind === 'since' ? `${start.date}T00:00:00.000Z` : null,
    },
  };
}

/** The index of the first message, in the order of the listing, that may be wanted. */
function firstWanted(items: readonly Listed[], start: StartPolicy): number {
  if (start.kind === 'last') return Math.max(0, items.length - start.count);
  if (start.kind !== 'since') return 0;
  const from = `${start.date}T00:00:00.000Z`;
  const index = items.findIndex((item) => item.internalDate === null || item.internalDate >= from);
  return index === -1 ? items.length : index;
}

async function pop3Baseline(
  deps: PollDeps,
  session: PollSession,
  next: Pop3Cursor,
  items: readonly Listed[],
  start: StartPolicy,
): Promise<Pop3Cursor> {
  const now = deps.clock.now();
  const keep = async (some: readonly Listed[]) =>
    some.length === 0
      ? null
      : await deps.blobs.put('ledger', encodeLedger(ledgerOf(session.account.loginId, some, now)));
  if (start.kind === 'now') return { ...next, base: await keep(items), backfill: null };
  const wanted = items.slice(firstWanted(items, start));
  return {
    ...next,
    listingHash: null,
    listedCount: items.length - wanted.length,
    base: await keep(items.slice(0, items.length - wanted.length)),
    backfill: await keep(wanted),
  };
}
