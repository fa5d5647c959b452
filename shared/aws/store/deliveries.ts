import type { Delivery, DeliveryState } from '../../delivery.ts';
import type { WebhookId } from '../../identity.ts';
import type { DeliveryFilter, Page, PageRequest } from '../../ports/lists.ts';
import type { Store } from '../../ports/store.ts';
import { mapAtOnce } from './at-once.ts';
import type { StoreContext } from './context.ts';
import { ENDED_STATES } from './delivery-counts.ts';
import { deliveryOf, refOf } from './delivery-item.ts';
import { deliveryList, PLACE } from './index-keys.ts';
import { deliveryKey, listPartition } from './keys.ts';
import { text } from './marshal.ts';
import { cursorOf, limitOf, placeOf } from './paging.ts';
import { webhookIdOf } from './parked-expiry.ts';
import { firstItems, getItem, getItems, keyOf } from './requests.ts';

/** The form of a place: when the delivery was made, of which event and for which webhook. */
const PLACE_FORM = new RegExp(`^${PLACE}(?:#other)?\\|wh_[a-z2-7]{16}$`);
/** Before and behind every place. */
const FIRST = '0';
const LAST = '9';
/** Queries under way at once: one for each webhook and state that is asked for. */
const QUERIES_AT_ONCE = 32;

const STATES: readonly DeliveryState[] = ['pending', 'parked', ...ENDED_STATES];

/** A delivery as the index shows it. */
interface Place {
  readonly sort: string;
  readonly webhookId: WebhookId;
  readonly key: ReturnType<typeof keyOf>;
}

/**
 * The lists of deliveries. The index has one list for each webhook and state; without a filter those of all webhooks, also of
 * removed ones, are merged. What an index shows is read from the table, and shown if it is as asked for.
 */
export function createDeliveries(context: StoreContext): Pick<Store, 'delivery' | 'deliveries'> {
  return {
    async delivery(ref) {
      const item = await getItem(context, deliveryKey(ref));
      return item && deliveryOf(item);
    },
    deliveries: (filter, page) => deliveryPage(context, filter, page),
  };
}

async function deliveryPage(
  context: StoreContext,
  filter: DeliveryFilter,
  page: PageRequest,
): Promise<Page<Delivery>> {
  const limit = limitOf(page);
  const places = await findPlaces(context, filter, placeOf('d', page.after, PLACE_FORM), limit + 1);
  const shown = places.slice(0, limit);
  const last = shown.at(-1);
  const itemOf = await getItems(
    context,
    shown.map(({ key }) => key),
  );
  const data = shown.flatMap(({ key }) => {
    const item = itemOf(key);
    const delivery = item && deliveryOf(item);
    const isWanted = delivery !== null && (filter.state === undefined || delivery.state === filter.state);
    return isWanted ? delivery : [];
  });
  const more = places.length > limit && last !== undefined;
  return { data, next: more ? cursorOf('d', `${last.sort}|${last.webhookId}`) : null };
}

/** The next places of all lists together, newest first; of deliveries made at once those of one event by their webhook. */
async function findPlaces(
  context: StoreContext,
  { webhookId, state, since }: DeliveryFilter,
  after: string | null,
  count: number,
): Promise<Place[]> {
  const [afterSort = LAST, afterWebhook = ''] = after?.split('|') ?? [];
  const webhooks = webhookId === undefined ? await allWebhooks(context) : [webhookId];
  const states = state === undefined ? STATES : [state];
  const partitions = webhooks.flatMap((id) => states.map((one) => deliveryList(id, one)));
  const range = { first: since?.toISOString() ?? FIRST, last: afterSort };
  const lists = await mapAtOnce(partitions, QUERIES_AT_ONCE, async (partition) => {
    const items = await firstItems(
      context,
      { index: 'lists', partition, range, descending: true, pageSize: count + 1 },
      // The last one of the page before comes again.
      count + 1,
    );
    return items.map((item): Place => {
      return { sort: text(item, 'gsi2sk'), webhookId: refOf(item).webhookId, key: keyOf(item) };
    });
  });
  const places = lists
    .flat()
    .filter(({ sort, webhookId: id }) => sort < afterSort || (sort === afterSort && id > afterWebhook))
    .sort(newestFirst);
  // One that changes its state just now may be in two lists.
  return places.filter((place, index) => !isSame(place, places[index - 1])).slice(0, count);
}

/** Also the removed ones, of which there are deliveries still. */
async function allWebhooks(context: StoreContext): Promise<WebhookId[]> {
  return (await firstItems(context, { partition: listPartition('webhook') })).map(webhookIdOf);
}

function newestFirst(one: Place, other: Place): number {
  if (one.sort !== other.sort) return one.sort > other.sort ? -1 : 1;
  return one.webhookId < other.webhookId ? -1 : Number(one.webhookId > other.webhookId);
}

function isSame(one: Place, other: Place | undefined): boolean {
  return one.sort === other?.sort && one.webhookId === other.webhookId;
}
