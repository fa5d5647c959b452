import type { WebhookId } from '../../identity.ts';
import type { Store } from '../../ports/store.ts';
import type { Webhook } from '../../webhook.ts';
import { type Assignable, assign } from './assign.ts';
import { mapAtOnce } from './at-once.ts';
import { AT_ONCE, nameKeyOf, type StoreContext } from './context.ts';
import { CLOSED_GATE, openedGate } from './gate.ts';
import { deliveryList } from './index-keys.ts';
import { listKey, nameKey, webhookKey } from './keys.ts';
import { listPage, nextSequence } from './list.ts';
import { attributes, textOrNull } from './marshal.ts';
import { countItems, getItem } from './requests.ts';
import { persist } from './retry.ts';
import { dropSelections, noteSelections, subscribersOf } from './subscribers.ts';
import {
  readWebhook,
  readWebhooks,
  type StoredWebhook,
  webhookDocument,
  webhookItem,
  webhookOf,
} from './webhook-item.ts';
import { transact, type Write } from './writes.ts';

/** Requests made to count the open deliveries of one webhook in one state: some ten thousand deliveries each. */
const MAX_COUNT_REQUESTS = 10;

const NOT_THERE = 'attribute_not_exists(pk)';
const UNCHANGED = 'revision = :seen';

type Change = Parameters<Store['updateWebhook']>[1];
type Webhooks = Pick<
  Store,
  'subscribers' | 'createWebhook' | 'webhook' | 'webhookByName' | 'webhooks' | 'updateWebhook' | 'pendingOf'
>;

/** The registry of webhooks. */
export function createWebhooks(context: StoreContext): Webhooks {
  const show = (webhook: StoredWebhook | null) => webhook && webhookOf(webhook, context.clock.now());
  return {
    subscribers: (id, eventType) => subscribersOf(context, id, eventType),
    createWebhook: (webhook) => createWebhook(context, webhook),
    async webhook(id) {
      return show(await readWebhook(context, id));
    },
    async webhookByName(name) {
      const taken = await getItem(context, nameKey('webhook', nameKeyOf(name)));
      const id = taken && textOrNull(taken, 'ownerId');
      return id === null ? null : show(await readWebhook(context, id as WebhookId));
    },
    async webhooks(page) {
      const { data: ids, next } = await listPage(context, 'webhook', page);
      const webhooks = await readWebhooks(context, ids);
      return { data: ids.flatMap((id) => show(webhooks.get(id) ?? null) ?? []), next };
    },
    updateWebhook: (id, change, now) =>
      persist<Webhook | 'gone' | 'name-taken'>(context, 'change a webhook', () =>
        updateWebhook(context, id, change, now),
      ),
    async pendingOf(ids) {
      const counts = await mapAtOnce(ids, AT_ONCE, async (id) => {
        const open = (['pending', 'parked'] as const).map((state) =>
          countItems(context, { index: 'lists', partition: deliveryList(id, state) }, MAX_COUNT_REQUESTS),
        );
        const counted = await Promise.all(open);
        return [id, counted.reduce((sum, { count }) => sum + count, 0)] as const;
      });
      return new Map(counts);
    },
  };
}

function takeName(name: string, id: WebhookId): Write {
  const item = attributes({ ...nameKey('webhook', nameKeyOf(name)), ownerId: id });
  return { kind: 'put', item, condition: NOT_THERE };
}

async function createWebhook(context: StoreContext, webhook: Webhook): Promise<'ok' | 'name-taken'> {
  const taken = await getItem(context, nameKey('webhook', nameKeyOf(webhook.name)));
  if (taken !== null) return 'name-taken';
  const place = listKey('webhook', await nextSequence(context), webhook.id);
  await noteSelections(context, { ...webhook, revision: 1 });
  const refusals = await transact(context, [
    { kind: 'put', item: webhookItem(webhook, place.sk), condition: NOT_THERE },
    takeName(webhook.name, webhook.id),
    { kind: 'put', item: attributes({ ...place }) },
  ]);
  if (refusals.length === 0) return 'ok';
  await dropSelections(context, { ...webhook, revision: 1 });
  return 'name-taken';
}

/** Null when somebody else changed it meanwhile: then it is read anew. */
async function updateWebhook(
  context: StoreContext,
  id: WebhookId,
  change: Change,
  now: Date,
): Promise<Webhook | 'gone' | 'name-taken' | null> {
  const before = await readWebhook(context, id);
  if (before === null) return 'gone';
  const revision = before.revision + 1;
  const reason = change.state === undefined ? before.reason : null;
  const after: StoredWebhook = { ...before, reason, ...change, revision, ...gateOf(before, change) };
  const { added, dropped } = selectionChange(before, after);
  await noteSelections(context, { id, accounts: added, revision });
  const names = nameWrites(before, after);
  const refusals = await transact(context, [documentWrite(before, after, change, now), ...names]);
  if (refusals.some(({ index }) => index === 0)) return null;
  if (refusals.length > 0) return 'name-taken';
  await dropSelections(context, { id, accounts: dropped, revision });
  return webhookOf(after, now);
}

function gateOf(before: StoredWebhook, { state }: Change): Pick<StoredWebhook, 'gateUntil'> {
  return { gateUntil: state === 'enabled' ? null : before.gateUntil };
}

function documentWrite(before: StoredWebhook, after: StoredWebhook, change: Change, now: Date): Write {
  const { state, reason } = change;
  const gate: Assignable = state === undefined ? {} : state === 'enabled' ? openedGate(now) : CLOSED_GATE;
  const { update, values } = assign({
    webhook: webhookDocument(webhookOf(after, now)),
    revision: after.revision,
    // What ends a delivery may disable the webhook at the same moment; who does not speak of the state leaves it alone.
    ...(state !== undefined && { webhookState: after.state }),
    ...((state !== undefined || reason !== undefined) && { stateReason: after.reason }),
    ...gate,
  });
  return {
    ...{ kind: 'update', key: webhookKey(after.id), update, condition: UNCHANGED },
    values: { ...values, ':seen': before.revision },
  };
}

function nameWrites(before: StoredWebhook, after: StoredWebhook): Write[] {
  const old = nameKeyOf(before.name);
  if (old === nameKeyOf(after.name)) return [];
  return [takeName(after.name, after.id), { kind: 'delete', key: nameKey('webhook', old) }];
}

type Accounts = StoredWebhook['accounts'];

/** The accounts that come to be selected and those that are not any more; null for all of them, `[]` for none. */
function selectionChange(
  { accounts: before }: StoredWebhook,
  { accounts: after }: StoredWebhook,
): { readonly added: Accounts; readonly dropped: Accounts } {
  if (before === null && after === null) return { added: [], dropped: [] };
  if (before === null || after === null) return { added: after, dropped: before };
  return {
    added: after.filter((id) => !before.includes(id)),
    dropped: before.filter((id) => !after.includes(id)),
  };
}
