import type { AccountState } from '../../account.ts';
import type { AccountId, WebhookId } from '../../identity.ts';
import type { StoreCounts } from '../../ports/lists.ts';
import type { Store } from '../../ports/store.ts';
import type { Webhook } from '../../webhook.ts';
import type { StoreContext } from './context.ts';
import { countEnded } from './delivery-counts.ts';
import { isOfMessage } from './delivery-item.ts';
import { deliveryList, GAPS_PARTITION } from './index-keys.ts';
import { listPartition, webhookKey } from './keys.ts';
import { json, text } from './marshal.ts';
import { webhookIdOf } from './parked-expiry.ts';
import { countItems, firstItems, getItems, queryAnswers, type Range } from './requests.ts';

/**
 * Requests made to count open deliveries, of some ten thousand each: behind that a count is a lower bound, and means that
 * far too much is waiting.
 */
const MAX_REQUESTS = 50;
const GAPS: Range = { index: 'work', partition: GAPS_PARTITION };

/**
 * How much there is of everything. It costs: for accounts, webhooks and gaps a read unit for some 40 of them; for open deliveries
 * two requests for each webhook and half a read unit for some 40 of them, so little while all goes well; for ended ones and
 * the rest a dozen requests of one unit.
 */
export function createCounts(context: StoreContext & Pick<Store, 'lastTick'>): Pick<Store, 'counts'> {
  return {
    async counts() {
      const [accounts, webhooks, ended, lastTickAt] = await Promise.all([
        firstItems(context, { partition: listPartition('account') }),
        firstItems(context, { partition: listPartition('webhook') }),
        countEnded(context),
        context.lastTick(),
      ]);
      const [waiting, firstGap] = await Promise.all([
        countItems(context, GAPS, MAX_REQUESTS),
        firstItems(context, { ...GAPS, pageSize: 1 }, 1),
      ]);
      const open = await countOpen(context, webhooks.map(webhookIdOf));
      const present = webhooks.filter(({ removedAt }) => removedAt === undefined).map(webhookIdOf);
      const states = new Map(
        accounts.map((place) => [
          accountIdOf(text(place, 'sk')),
          text(place, 'accountState') as AccountState,
        ]),
      );
      return {
        accounts: accountCounts([...states.values()]),
        deliveries: { ...ended, pending: open.pending, parked: open.parked },
        pendingMessages: open.messages.size,
        oldestPendingAt: open.oldestAt === null ? null : new Date(open.oldestAt),
        waitingMessages: waiting.count,
        oldestWaitingAt: firstGap[0] === undefined ? null : new Date(text(firstGap[0], 'gsi1sk')),
        accountsWithoutWebhook: await countWithoutWebhook(context, states, present),
        lastTickAt,
      };
    },
  };
}

function accountIdOf(place: string): AccountId {
  return place.slice(place.indexOf('#') + 1) as AccountId;
}

function accountCounts(states: readonly AccountState[]): StoreCounts['accounts'] {
  const counts = { active: 0, paused: 0, auth_failed: 0, error: 0 };
  for (const state of states) counts[state] += 1;
  return counts;
}

interface Open {
  pending: number;
  parked: number;
  readonly messages: Set<string>;
  oldestAt: string | null;
}

/** Open deliveries, and the messages that they are of, each once. */
async function countOpen(context: StoreContext, webhooks: readonly WebhookId[]): Promise<Open> {
  const open: Open = { pending: 0, parked: 0, messages: new Set(), oldestAt: null };
  let requests = 0;
  for (const state of ['pending', 'parked'] as const) {
    for (const id of webhooks) {
      const partition = deliveryList(id, state);
      for await (const { items } of queryAnswers(context, { index: 'lists', partition })) {
        open[state] += items.length;
        for (const item of items) addMessage(open, text(item, 'pk'), text(item, 'gsi2sk'));
        requests += items.length > 0 ? 1 : 0;
        if (requests >= MAX_REQUESTS) return open;
      }
    }
  }
  return open;
}

function addMessage(open: Open, event: string, place: string): void {
  if (!isOfMessage(place)) return;
  open.messages.add(event);
  const at = place.slice(0, place.indexOf('#'));
  if (open.oldestAt === null || at < open.oldestAt) open.oldestAt = at;
}

/** Active accounts that no enabled webhook selects. */
async function countWithoutWebhook(
  context: StoreContext,
  accounts: ReadonlyMap<AccountId, AccountState>,
  webhooks: readonly WebhookId[],
): Promise<number> {
  const itemOf = await getItems(context, webhooks.map(webhookKey), ['webhook', 'webhookState']);
  const selected = new Set<AccountId>();
  for (const id of webhooks) {
    const item = itemOf(webhookKey(id));
    if (item === null || text(item, 'webhookState') !== 'enabled') continue;
    const { accounts: some } = json<Pick<Webhook, 'accounts'>>(item, 'webhook');
    if (some === null) return 0;
    for (const account of some) selected.add(account);
  }
  return [...accounts].filter(([id, state]) => state === 'active' && !selected.has(id)).length;
}
