import type { BlobRef } from '../../shared/ports/blobs.ts';
import type { Listed, Listing, Pop3Cursor } from '../../shared/ports/mail-source.ts';
import type { PollDeps, PollSession } from './deps.ts';
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

/** Decides which of a maildrop's messages are new: those neither in the ledger nor with an event. */
export async function surveyPop3(
  deps: PollDeps,
  session: PollSession,
  cursor: Pop3Cursor,
  listing: Listing,
): Promise<Survey> {
  const next = listing.next as Pop3Cursor;
  if (cursor.listingHash !== null && next.listingHash === cursor.listingHash) return UNCHANGED;
  const { loginId } = session.account;
  const [base, backfill] = await Promise.all([
    readLedger(deps, cursor.base),
    readLedger(deps, cursor.backfill),
  ]);
  const items = listing.items.map((item) =>
    backfill.present.has(keyOf(loginId, item)) ? { ...item, backfill: true } : item,
  );
  const candidates = items.filter((item) => !inLedger(base, keyOf(loginId, item)));
  const unknown = await withoutKnown(deps, session, candidates);
  const knownNow = items.length - unknown.length;
  const broke = pop3ContinuityBroke({ knownNow, knownBefore: cursor.listedCount, unknown: unknown.length });
  const after = broke ? await unknownAfterPop3Reset(deps, session, { base, items, unknown }) : null;
  return {
    listed: candidates.length,
    fresh: after?.fresh ?? unknown,
    reset: after?.reset ?? false,
    // The event records say what was committed; nothing else need be remembered on the way.
    partial: () => null,
    complete: async () => {
      const now = deps.clock.now();
      const vanished = countVanished(base, items, loginId);
      const outside = candidates.length;
      const stale = (after?.reset ?? false) || ledgerIsStale(base, { outside, vanished }, now);
      const blob = stale
        ? await deps.blobs.put('ledger', encodeLedger(nextLedger(base, loginId, items, now)))
        : cursor.base;
      return { ...next, listedCount: items.length, base: blob, backfill: null };
    },
  };
}

const UNCHANGED: Survey = {
  listed: 0,
  fresh: [],
  reset: false,
  partial: () => null,
  complete: async () => null,
};

/** Absent ones are known too: what a server hid and shows again is not new. */
function inLedger(ledger: Ledger, key: string): boolean {
  return ledger.present.has(key) || ledger.absent.has(key);
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
