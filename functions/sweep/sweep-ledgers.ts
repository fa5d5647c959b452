import type { BlobRef } from '../../shared/ports/blobs.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Store } from '../../shared/ports/store.ts';

/** A ledger is written before the cursor that refers to it: a younger one may still be on its way. */
const MIN_AGE_MS = 86_400_000;
const ACCOUNTS_PER_PAGE = 100;
const DROPS_AT_ONCE = 16;

export interface SweepDeps {
  readonly store: Pick<Store, 'accounts' | 'pollState'>;
  readonly blobs: { drop(ref: BlobRef): Promise<void> };
  /** All ledgers there are, with the time of their writing. */
  readonly ledgers: () => AsyncIterable<{ readonly ref: BlobRef; readonly writtenAt: Date }>;
  readonly clock: Clock;
}

/**
 * Removes the ledgers that no cursor refers to: those that a newer one replaced, and those of accounts that are gone. Nothing
 * is removed before all accounts were looked at. Throws when the time runs out before that; the next sweep begins anew.
 */
export async function sweepLedgers(
  deps: SweepDeps,
  stopping: () => boolean,
): Promise<{ readonly kept: number; readonly removed: number }> {
  // Before the cursors are read: what they refer to after that is younger than all of these.
  const old = await oldLedgers(deps);
  const found = old.size;
  for await (const ref of referredTo(deps, stopping)) old.delete(ref);
  const waiting = [...old];
  const worker = async () => {
    for (let ref = waiting.pop(); ref !== undefined && !stopping(); ref = waiting.pop())
      await deps.blobs.drop(ref);
  };
  await Promise.all(Array.from({ length: DROPS_AT_ONCE }, worker));
  return { kept: found - old.size, removed: old.size - waiting.length };
}

async function oldLedgers({ ledgers, clock }: SweepDeps): Promise<Set<BlobRef>> {
  const writtenBefore = clock.now().getTime() - MIN_AGE_MS;
  const old = new Set<BlobRef>();
  for await (const { ref, writtenAt } of ledgers()) if (writtenAt.getTime() < writtenBefore) old.add(ref);
  return old;
}

/** The ledgers of all cursors of all accounts. */
async function* referredTo({ store, clock }: SweepDeps, stopping: () => boolean): AsyncGenerator<BlobRef> {
  let after: string | null = null;
  do {
    if (stopping()) throw new Error('The time ran out before all accounts were looked at');
    const page: Awaited<ReturnType<Store['accounts']>> = await store.accounts({
      after,
      limit: ACCOUNTS_PER_PAGE,
    });
    const pop3 = page.data.filter(({ protocol }) => protocol === 'pop3');
    const states = await Promise.all(pop3.map(({ id }) => store.pollState(id, clock.now())));
    for (const cursor of states.flatMap(({ cursors }) => cursors)) {
      if (cursor.protocol !== 'pop3') continue;
      if (cursor.base !== null) yield cursor.base;
      if (cursor.backfill !== null) yield cursor.backfill;
    }
    after = page.next;
  } while (after !== null);
}
