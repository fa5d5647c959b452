import type { WebhookId } from '../../identity.ts';
import type { Store } from '../../ports/store.ts';
import { runChore } from './chore-runner.ts';
import { type Chore, removalChore } from './chores.ts';
import { nameKeyOf, type StoreContext } from './context.ts';
import { deliveryDays } from './delivery-item.ts';
import { expiryAfter } from './event-item.ts';
import { deliveryList } from './index-keys.ts';
import { choreKey, listPartition, nameKey, selectionKey, webhookKey } from './keys.ts';
import type { Item } from './marshal.ts';
import { cancelAll } from './parked-expiry.ts';
import { deleteItems, firstItems, type Range } from './requests.ts';
import { persist } from './retry.ts';
import { EXPIRY_ATTRIBUTE } from './table.ts';
import { readWebhook, type StoredWebhook } from './webhook-item.ts';
import { transact } from './writes.ts';

/** Slices that a removal does itself, of 200 deliveries each; the tick does the rest. */
const SLICES_AT_ONCE = 10;
const DELIVERIES_PER_SLICE = 200;
/** A removed webhook stays in the list a little longer than the last of its deliveries, which end now at the latest. */
const EXTRA_TOMBSTONE_DAYS = 5;

const UNCHANGED = 'revision = :revision';

/** How webhooks end. */
export function createWebhookRemoval(context: StoreContext): Pick<Store, 'removeWebhook'> {
  return {
    async removeWebhook(id, now) {
      const removed = await persist(context, 'remove a webhook', () => markRemoved(context, id, now));
      if (removed === 'gone') return 'gone';
      const selected = removed.accounts ?? [null];
      await deleteItems(
        context,
        selected.map((account) => selectionKey(account, id)),
      );
      await runChore(context, choreKey('webhook', id), { slices: SLICES_AT_ONCE });
      return 'ok';
    },
  };
}

/** The webhook as it was; null when it changed meanwhile. */
async function markRemoved(
  context: StoreContext,
  id: WebhookId,
  now: Date,
): Promise<StoredWebhook | 'gone' | null> {
  const webhook = await readWebhook(context, id);
  if (webhook === null) return 'gone';
  const refusals = await transact(context, [
    {
      ...{ kind: 'delete', key: webhookKey(id), condition: UNCHANGED },
      values: { ':revision': webhook.revision },
    },
    { kind: 'delete', key: nameKey('webhook', nameKeyOf(webhook.name)) },
    {
      ...{ kind: 'update', key: { pk: listPartition('webhook'), sk: webhook.place } },
      update: `SET removedAt = :removedAt, ${EXPIRY_ATTRIBUTE} = :expiry`,
      values: {
        ':removedAt': now.toISOString(),
        ':expiry': expiryAfter(now.getTime(), deliveryDays(context.retention) + EXTRA_TOMBSTONE_DAYS),
      },
    },
    removalChore('webhook', id, context.clock.now()),
  ]);
  return refusals.length === 0 ? webhook : null;
}

/** Cancels the next open deliveries of a removed webhook; true when there are no more to be seen. */
export async function webhookSlice(context: StoreContext, { id }: Chore, now: Date): Promise<boolean> {
  const open: Item[] = [];
  for (const state of ['pending', 'parked'] as const) {
    const range: Range = {
      ...{ index: 'lists', partition: deliveryList(id as WebhookId, state) },
      ...{ descending: true, pageSize: DELIVERIES_PER_SLICE },
    };
    open.push(...(await firstItems(context, range, DELIVERIES_PER_SLICE - open.length)));
  }
  await cancelAll(context, open, now, () => true);
  return open.length < DELIVERIES_PER_SLICE;
}
