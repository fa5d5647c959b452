import type { AccountId, EventId } from '../../identity.ts';
import type { MessageFilter, MessageView, Page, PageRequest } from '../../ports/lists.ts';
import type { Store } from '../../ports/store.ts';
import { mapAtOnce } from './at-once.ts';
import { AT_ONCE, DAY_MS, type StoreContext } from './context.ts';
import { deliveryOf, inOrder, isDelivery } from './delivery-item.ts';
import {
  accountsOf,
  eventOf,
  LINK_ATTRIBUTES,
  linkedEvent,
  listedState,
  type StoredEvent,
  storedEvent,
} from './event-item.ts';
import { accountList, eventIdAt, logPartition, PLACE } from './index-keys.ts';
import { eventKey, eventPartition, MONTHS } from './keys.ts';
import { type Item, text } from './marshal.ts';
import { policiesOf } from './owners.ts';
import { cursorOf, limitOf, placeOf } from './paging.ts';
import { firstItems, getItem, queryAnswers, type Range } from './requests.ts';
import { settlementStatus } from './settlements.ts';

const PLACE_FORM = new RegExp(`^${PLACE}$`);
/** Before and behind every place. */
const FIRST = '0';
const LAST = '9';

/**
 * Requests made for one page: each looks at some ten thousand places. A page of which little was found by then is short,
 * and the next one goes on from there.
 */
const MAX_REQUESTS = 20;

/** An event with its deliveries, as read. */
interface Found {
  readonly event: StoredEvent;
  readonly deliveries: readonly Item[];
}

/**
 * The lists of messages: of one account by the list index, of all by the log of events, which the work index keeps by month.
 * An index only says where to look: what it shows is read from the table, and shown if it is as asked for.
 */
export function createMessages(context: StoreContext): Pick<Store, 'message' | 'messages' | 'linked'> {
  return {
    async message(id) {
      const found = await readEvent(context, id);
      return found === null ? null : ((await viewsOf(context, [found]))[0] ?? null);
    },
    async linked(id) {
      const item = await getItem(context, eventKey(id), LINK_ATTRIBUTES);
      const event = item && linkedEvent(id, item);
      // The bucket deletes bytes by their age, whatever still refers to them.
      const bytesEndMs = Date.parse(event?.committedAt ?? '') + context.retention.blobDays * DAY_MS;
      return context.clock.now().getTime() < bytesEndMs ? event : null;
    },
    messages: (filter, page) => messagePage(context, filter, page),
  };
}

async function messagePage(
  context: StoreContext,
  filter: MessageFilter,
  page: PageRequest,
): Promise<Page<MessageView>> {
  const limit = limitOf(page);
  const after = placeOf('m', page.after, PLACE_FORM);
  const { places, next } = await findPlaces(context, filter, { after, limit });
  const found = await mapAtOnce(places, AT_ONCE, (place) => readEvent(context, eventIdAt(place)));
  const shown = found.filter((one): one is Found => one !== null && isWanted(one.event, filter));
  return { data: await viewsOf(context, shown), next: next === null ? null : cursorOf('m', next) };
}

/** The next places of a list, newest first, and the one after which the page behind it begins; null when this is the last. */
async function findPlaces(
  context: StoreContext,
  filter: MessageFilter,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<{ readonly places: readonly string[]; readonly next: string | null }> {
  const places: string[] = [];
  const ranges = await rangesOf(context, filter, { after, limit });
  let requests = 0;
  for await (const { found, lookedAt } of answersOf(context, ranges)) {
    requests += 1;
    places.push(...found.filter((place) => place !== after));
    if (places.length > limit) return { places: places.slice(0, limit), next: places[limit - 1] ?? null };
    if (requests >= MAX_REQUESTS && lookedAt !== null) return { places, next: lookedAt };
  }
  return { places, next: null };
}

/** The places of ranges, answer by answer, and the last one that each has looked at. */
async function* answersOf(
  context: StoreContext,
  ranges: readonly Range[],
): AsyncGenerator<{ readonly found: readonly string[]; readonly lookedAt: string | null }> {
  for (const range of ranges) {
    const sort = range.index === 'lists' ? 'gsi2sk' : 'gsi1sk';
    for await (const { items, lookedAt } of queryAnswers(context, range)) {
      yield { found: items.map((item) => text(item, sort)), lookedAt: lookedAt && text(lookedAt, sort) };
    }
  }
}

/** What to look through: the events of an account, or those of each month that has any, the latest first. */
async function rangesOf(
  context: StoreContext,
  { accountId, state, since }: MessageFilter,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<Range[]> {
  const common = {
    range: { first: since?.toISOString() ?? FIRST, last: after ?? LAST },
    descending: true,
    filter:
      state === undefined
        ? { condition: 'itemState <> :none', values: { ':none': 'operational' } }
        : { condition: 'itemState = :wanted', values: { ':wanted': state } },
    // A list that leaves little out is read by the page; of any other each request is to look at as much as it can.
    ...(state === undefined && { pageSize: limit + 2 }),
  } as const;
  if (accountId !== undefined) return [{ ...common, index: 'lists', partition: accountList(accountId) }];
  const { pk, first, last } = MONTHS;
  const months = await firstItems(context, { partition: pk, range: { first, last }, descending: true });
  return months
    .map((month) => text(month, 'sk').slice(-'YYYY-MM'.length))
    .filter((month) => month >= common.range.first.slice(0, month.length) && month <= common.range.last)
    .map((month) => ({ ...common, index: 'work', partition: logPartition(month) }));
}

function isWanted(event: StoredEvent, { accountId, state }: MessageFilter): boolean {
  const isOfAccount = accountId === undefined || event.accountId === accountId;
  return event.source !== null && isOfAccount && (state === undefined || listedState(event) === state);
}

async function readEvent(context: StoreContext, id: EventId): Promise<Found | null> {
  const items = await firstItems(context, { partition: eventPartition(id) });
  const event = items.find((item) => !isDelivery(item));
  return event === undefined ? null : { event: storedEvent(event), deliveries: items.filter(isDelivery) };
}

async function viewsOf(context: StoreContext, found: readonly Found[]): Promise<MessageView[]> {
  const policies = await policiesOf(context, accountIds(found));
  const now = context.clock.now();
  return found.map(({ event, deliveries }) => {
    const settlement = settlementStatus(event, policies.get(event.accountId) ?? null, now);
    return { event: eventOf(event, settlement), deliveries: inOrder(deliveries).map(deliveryOf) };
  });
}

function accountIds(found: readonly Found[]): AccountId[] {
  return accountsOf(found.map(({ event }) => event));
}
