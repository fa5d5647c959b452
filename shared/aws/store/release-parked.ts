import type { DeliveryRef, WebhookId } from '../../identity.ts';
import type { Store } from '../../ports/store.ts';
import { type Assignable, assign } from './assign.ts';
import { mapAtOnce } from './at-once.ts';
import { HINT_MS, isoOf, type StoreContext } from './context.ts';
import { dueAttributes, refOf, stateAttributes } from './delivery-item.ts';
import { deliveryList } from './index-keys.ts';
import { deliveryKey, webhookKey } from './keys.ts';
import type { Item } from './marshal.ts';
import { firstItems, type Table } from './requests.ts';
import { isGateClosed, readWebhook, type StoredWebhook } from './webhook-item.ts';
import { update } from './writes.ts';

/** A webhook that has just come back gets 1, 2, 4, … of what waited for it, and at most so many at once. */
const MAX_RELEASE = 1_024;
/** The next ones follow this much later, so that a tick does not find the webhook twice. */
const NEXT_RELEASE_MS = 1_000;
/** What is released of one webhook at once: they are in one partition of the index. */
const RELEASES_AT_ONCE = 32;

const PARKED = 'itemState = :parked';
const GATE_AS_SEEN = {
  open: 'attribute_not_exists(gateUntil)',
  until: 'gateUntil = :seenGate',
} as const;
const GUARD_AS_SEEN = {
  none: 'attribute_not_exists(parkGuardUntil)',
  until: 'parkGuardUntil = :seenGuard',
} as const;

/** How parked deliveries leave again. */
export function createRelease(context: StoreContext): Pick<Store, 'releaseParked'> {
  return {
    async releaseParked(id, count, now) {
      const webhook = await readWebhook(context, id);
      const most = Math.min(count, MAX_RELEASE);
      if (webhook === null || isGateClosed(webhook, now) || most < 1) return [];
      const parked = await parkedOf(context, id, most + 1);
      const released = await mapAtOnce(parked.slice(0, most), RELEASES_AT_ONCE, (item) =>
        release(context, refOf(item), now),
      );
      await scheduleNext(context, webhook, { count: most, isMore: parked.length > most, now });
      return released.filter((ref) => ref !== null);
    },
  };
}

/** The oldest parked deliveries of a webhook, as the index shows them. */
export async function parkedOf(table: Table, id: WebhookId, most: number): Promise<Item[]> {
  const partition = deliveryList(id, 'parked');
  return await firstItems(table, { index: 'lists', partition, pageSize: most }, most);
}

/** Null for one that was not parked any more: the index was behind. */
async function release(table: Table, ref: DeliveryRef, now: Date): Promise<DeliveryRef | null> {
  const { update: expression, values } = assign({
    ...stateAttributes('pending', ref.webhookId),
    ...dueAttributes(isoOf(now.getTime() + HINT_MS)),
    ...{ nextAttemptAt: now.toISOString(), parkedAt: null },
  });
  const released = await update(table, {
    ...{ key: deliveryKey(ref), update: expression, condition: PARKED },
    values: { ...values, ':parked': 'parked' },
  });
  return released.ok ? ref : null;
}

/** Refused when the gate closed or something was parked meanwhile: then whoever did that has set the time. */
async function scheduleNext(
  table: Table,
  webhook: StoredWebhook,
  { count, isMore, now }: { readonly count: number; readonly isMore: boolean; readonly now: Date },
): Promise<void> {
  const { gateUntil, parkGuardUntil } = webhook;
  const next: Assignable = isMore
    ? dueAttributes(isoOf(now.getTime() + NEXT_RELEASE_MS))
    : emptyAt(webhook, now);
  const { update: expression, values } = assign({ releaseCount: Math.min(MAX_RELEASE, count * 2), ...next });
  const conditions = [
    'attribute_exists(pk) AND webhookState = :enabled',
    gateUntil === null ? GATE_AS_SEEN.open : GATE_AS_SEEN.until,
    parkGuardUntil === null ? GUARD_AS_SEEN.none : GUARD_AS_SEEN.until,
  ];
  await update(table, {
    ...{ key: webhookKey(webhook.id), update: expression, condition: conditions.join(' AND ') },
    values: {
      ...values,
      ':enabled': 'enabled',
      ...(gateUntil !== null && { ':seenGate': gateUntil }),
      ...(parkGuardUntil !== null && { ':seenGuard': parkGuardUntil }),
    },
  });
}

/** When a webhook is to be looked at again of which nothing parked is to be seen; see gate.ts. */
export function emptyAt({ parkGuardUntil }: StoredWebhook, now: Date): Assignable {
  const isOver = parkGuardUntil === null || parkGuardUntil <= now.toISOString();
  return isOver ? { gsi1pk: null, gsi1sk: null } : dueAttributes(isoOf(now.getTime() + HINT_MS));
}
