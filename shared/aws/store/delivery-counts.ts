import type { DeliveryState } from '../../delivery.ts';
import { assign } from './assign.ts';
import { mapAtOnce } from './at-once.ts';
import { DAY_MS, dayOf, isoOf, type StoreContext } from './context.ts';
import { expiryAfter } from './event-item.ts';
import { countKey, countPartition } from './keys.ts';
import { numberOr } from './marshal.ts';
import { query, type Table } from './requests.ts';
import { EXPIRY_ATTRIBUTE } from './table.ts';
import { update } from './writes.ts';

/**
 * Ended deliveries are counted as they end, by the day of it: counting millions of them would take minutes, while these are
 * some hundred small items. The count is written after the deliveries, not with them, so that deliveries that end together
 * do not meet in it: a crash between the two loses what one request ended, until that day is as old as what is kept. Open
 * deliveries are counted from the index instead, because of them the number must be right.
 */
type EndedState = Exclude<DeliveryState, 'pending' | 'parked'>;

export const ENDED_STATES: readonly EndedState[] = [
  'delivered',
  'skipped',
  'exhausted',
  'rejected',
  'cancelled',
];

/** One shard takes 1,000 changes a second. */
const SHARDS = 4;
/** Later than any day there is. */
const LAST_DAY = '9';
/** Later than any count is read. */
const EXPIRY_DAYS = 10;

/** What happened to the counts in one call of the store. */
export class CountChanges {
  readonly #days = new Map<string, Map<EndedState, number>>();

  /** One more delivery that ended then, or one less (-1). */
  add(state: DeliveryState, endedAt: string | null, change: 1 | -1): void {
    if (state === 'pending' || state === 'parked' || endedAt === null) return;
    const day = dayOf(endedAt);
    const counts = this.#days.get(day) ?? new Map<EndedState, number>();
    counts.set(state, (counts.get(state) ?? 0) + change);
    this.#days.set(day, counts);
  }

  /** Writes what changed; one request for each day. */
  async save({ retention, ...table }: Table & Pick<StoreContext, 'retention'>): Promise<void> {
    await mapAtOnce([...this.#days], SHARDS, async ([day, counts]) => {
      const changed = [...counts].filter(([, change]) => change !== 0);
      if (changed.length === 0) return;
      const expiry = expiryAfter(Date.parse(day), retention.endedDays + EXPIRY_DAYS);
      const { update: expression, values } = assign(
        { [EXPIRY_ATTRIBUTE]: expiry },
        Object.fromEntries(changed),
      );
      const shard = Math.floor(table.random() * SHARDS);
      await update(table, { key: countKey(shard, day), update: expression, values });
    });
  }
}

/** How many deliveries ended within the retention, by state. */
export async function countEnded({
  retention,
  clock,
  ...table
}: StoreContext): Promise<Record<EndedState, number>> {
  const total = { delivered: 0, skipped: 0, exhausted: 0, rejected: 0, cancelled: 0 };
  const first = dayOf(isoOf(clock.now().getTime() - retention.endedDays * DAY_MS));
  const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
  await mapAtOnce(shards, SHARDS, async (shard) => {
    const range = { first, last: LAST_DAY };
    for await (const item of query(table, { partition: countPartition(shard), range })) {
      for (const state of ENDED_STATES) total[state] += numberOr(item, state, 0);
    }
  });
  // A crash may have lost what would make up for a removal.
  for (const state of ENDED_STATES) total[state] = Math.max(0, total[state]);
  return total;
}
