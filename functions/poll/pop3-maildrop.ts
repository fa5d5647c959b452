import type { BlobRef } from '../../shared/ports/blobs.ts';
import type { Listed, Listing, Pop3Cursor } from '../../shared/ports/mail-source.ts';
import type { Settlement } from '../../shared/ports/store.ts';
import type { PollDeps, PollSession } from './deps.ts';
import { placeOf, type Waiting } from './gaps.ts';
import {
  decodeLedger,
  EMPTY_LEDGER,
  encodeLedger,
  keyOf,
  type Ledger,
  ledgerIsStale,
  nextLedger,
} from './ledger.ts';
import { pop3ContinuityBroke, unknownAfterPop3Reset } from './reconcile.ts';
import { type Survey, withoutKnown } from './survey.ts';

/** What is remembered of a maildrop, and how to read what waits in it; `settlements` are the account's that are due. */
interface Remembered {
  readonly cursor: Pop3Cursor;
  waiting(): Promise<readonly Waiting[]>;
  readonly settlements: readonly Settlement[];
}

/**
 * Decides which of a maildrop's messages are new: those neither in the ledger nor with an event, and not waiting as gaps.
 * What waits is told by its UIDL like what is known, and yet is in no ledger: it has not been delivered, and must be found
 * unknown once its UIDL has lost its meaning.
 */
export async function surveyPop3(
  deps: PollDeps,
  session: PollSession,
  { cursor, waiting, settlements }: Remembered,
  listing: Listing,
): Promise<Survey> {
  const next = listing.next as Pop3Cursor;
  if (cursor.listingHash !== null && next.listingHash === cursor.listingHash)
    return unchanged(cursor, listing);
  const { loginId } = session.account;
  const [base, backfill] = await Promise.all([
    readLedger(deps, cursor.base),
    readLedger(deps, cursor.backfill),
  ]);
  const items = listing.items.map((item) =>
    backfill.present.has(keyOf(loginId, item)) ? { ...item, backfill: true } : item,
  );
  const candidates = items.filter((item) => !inLedger(base, keyOf(loginId, item)));
  const gaps = await waiting();
  const gapPlaces = new Set(gaps.map(({ item }) => placeOf(item.source)));
  const isWaiting = ({ source }: Listed) => gapPlaces.has(placeOf(source));
  const unknown = (await withoutKnown(deps, session, candidates)).filter((item) => !isWaiting(item));
  const knownNow = items.length - unknown.length;
  const knownBefore = cursor.listedCount - countDeletedUnrecorded(settlements, items);
  const broke = pop3ContinuityBroke({ knownNow, knownBefore, unknown: unknown.length });
  const lost = broke ? notListed(gaps, items) : [];
  const after = broke
    ? await unknownAfterPop3Reset(deps, session, { base, items, unknown, lost: lost.map(({ item }) => item) })
    : null;
  return {
    listed: candidates.length,
    fresh: after?.fresh ?? unknown,
    reset: after?.reset ?? false,
    voided: after?.reset ? lost : [],
    // The event records say what was committed; nothing else need be remembered on the way.
    partial: () => null,
    complete: async (failed) => {
      const now = deps.clock.now();
      const vanished = countVanished(base, items, loginId);
      const unread = new Set([...items.filter(isWaiting), ...failed].map(({ source }) => placeOf(source)));
      const known = items.filter(({ source }) => !unread.has(placeOf(source)));
      const outside = candidates.length - unread.size;
      const stale = (after?.reset ?? false) || ledgerIsStale(base, { outside, vanished }, now);
      const blob = stale
        ? await deps.blobs.put('ledger', encodeLedger(nextLedger(base, loginId, known, now)))
        : cursor.base;
      return { ...next, listedCount: items.length, base: blob, backfill: null };
    },
  };
}

/** Where deletions of ours were taken off the count whose session the server never confirmed, they are put on again: all is there. */
function unchanged(cursor: Pop3Cursor, { exists }: Listing): Survey {
  const complete = async () => (cursor.listedCount < exists ? { ...cursor, listedCount: exists } : null);
  return { listed: 0, fresh: [], reset: false, voided: [], partial: () => null, complete };
}

/** Absent ones are known too: what a server hid and shows again is not new. */
function inLedger(ledger: Ledger, key: string): boolean {
  return ledger.present.has(key) || ledger.absent.has(key);
}

/** The gaps whose UIDLs the maildrop no longer shows. */
function notListed(gaps: readonly Waiting[], items: readonly Listed[]): Waiting[] {
  const listed = new Set(items.map(({ source }) => placeOf(source)));
  return gaps.filter(({ item }) => !listed.has(placeOf(item.source)));
}

/**
 * Deletions of ours that the cursor does not know of, because the process died between QUIT and the record of it: what we
 * deleted ourselves breaks no continuity.
 */
function countDeletedUnrecorded(settlements: readonly Settlement[], items: readonly Listed[]): number {
  const listed = new Set(items.map(({ source }) => placeOf(source)));
  return settlements.filter(({ action, source }) => action.kind === 'delete' && !listed.has(placeOf(source)))
    .length;
}

function countVanished(base: Ledger, items: readonly Listed[], loginId: Parameters<typeof keyOf>[0]): number {
  const listed = new Set(items.map((item) => keyOf(loginId, item)));
  let vanished = 0;
  for (const key of base.present.keys()) if (!listed.has(key)) vanished++;
  return vanished;
}

async function readLedger(deps: PollDeps, ref: BlobRef | null): Promise<Ledger> {
  return ref === null ? EMPTY_LEDGER : decodeLedger(await deps.blobs.read(ref));
}
