import type { WebhookId } from '../../identity.ts';
import { mapAtOnce } from './at-once.ts';
import { cancelDelivery } from './cancel.ts';
import { AT_ONCE, DAY_MS, isoOf, type StoreContext } from './context.ts';
import { CountChanges } from './delivery-counts.ts';
import { refOf, stateOf } from './delivery-item.ts';
import { deliveryList } from './index-keys.ts';
import { listPartition } from './keys.ts';
import { type Item, text, textOrNull } from './marshal.ts';
import { createOwners } from './owners.ts';
import { firstItems, query, type Range } from './requests.ts';

const DELIVERIES_PER_SLICE = 500;

/** Cancels deliveries that have waited too long behind a gate; true when there are no more of them. */
export async function parkedSlice(context: StoreContext, now: Date): Promise<boolean> {
  const before = isoOf(now.getTime() - context.retention.parkedDays * DAY_MS);
  const parked: Item[] = [];
  for await (const webhook of query(context, { partition: listPartition('webhook') })) {
    const id = webhookIdOf(webhook);
    // A delivery is never parked before it was made, so only these can be old enough.
    const range: Range = {
      ...{ index: 'lists', partition: deliveryList(id, 'parked') },
      range: { first: '0', last: before },
    };
    parked.push(...(await firstItems(context, range, DELIVERIES_PER_SLICE - parked.length)));
    if (parked.length >= DELIVERIES_PER_SLICE) break;
  }
  const isOld = (item: Item) =>
    stateOf(item) === 'parked' && (textOrNull(item, 'parkedAt') ?? before) < before;
  const cancelled = await cancelAll(context, parked, now, isOld);
  // Where none was old enough after all, another look at the same ones would find no more.
  return parked.length < DELIVERIES_PER_SLICE || cancelled === 0;
}

/** Cancels open deliveries as an index shows them, if they are as they must be; how many there were. */
export async function cancelAll(
  context: StoreContext,
  places: readonly Item[],
  now: Date,
  isWanted: (delivery: Item) => boolean,
): Promise<number> {
  const shared = { owners: createOwners(context), counts: new CountChanges() };
  const cancelled = await mapAtOnce(places, AT_ONCE, (place) =>
    cancelDelivery(context, shared, refOf(place), { now, isWanted }),
  );
  await shared.counts.save(context);
  return cancelled.filter(Boolean).length;
}

/** The webhook of a place in the list of webhooks. */
export function webhookIdOf(place: Item): WebhookId {
  const sort = text(place, 'sk');
  return sort.slice(sort.indexOf('#') + 1) as WebhookId;
}
