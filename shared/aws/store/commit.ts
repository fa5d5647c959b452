import type { EventId } from '../../identity.ts';
import type { Fence, NewEvent, Store } from '../../ports/store.ts';
import { HINT_MS, isoOf, type StoreContext } from './context.ts';
import { newDeliveryItem, subjectOf } from './delivery-item.ts';
import { expiryAfter, newEventItem } from './event-item.ts';
import { type Unit, writeUnits } from './fenced-writes.ts';
import { digestKey, eventKey, monthKey } from './keys.ts';
import { attributes, text } from './marshal.ts';
import { getItems } from './requests.ts';
import { EXPIRY_ATTRIBUTE } from './table.ts';
import { put, type Write } from './writes.ts';

const NOT_THERE = 'attribute_not_exists(pk)';

/**
 * A digest is known as long as its event is; the item that leads from one to the other stays this much longer than most
 * events do.
 */
const DIGEST_DAYS = 400;

/** How events come into the store, and how it is known that they are there. */
export function createEvents(context: StoreContext): Pick<Store, 'commit' | 'known' | 'knownDigests'> {
  const months = new Set<string>();
  return {
    async commit(fence, batch, now) {
      const committedAt = now.toISOString();
      const month = committedAt.slice(0, 7);
      if (batch.length > 0 && !months.has(month)) {
        // Before the first event of it, so that no list misses one; refused when it is there.
        await put(context, attributes({ ...monthKey(month) }), NOT_THERE);
        months.add(month);
      }
      return await commit(context, fence, batch, committedAt);
    },
    async known(ids) {
      const itemOf = await getItems(context, ids.map(eventKey), []);
      return new Set(ids.filter((id) => itemOf(eventKey(id)) !== null));
    },
    async knownDigests(id, digests) {
      const asked = [...new Set(digests)].filter((digest) => digest !== '');
      const itemOf = await getItems(
        context,
        asked.map((digest) => digestKey(id, digest)),
      );
      const events = new Map<string, EventId>();
      for (const digest of asked) {
        const item = itemOf(digestKey(id, digest));
        if (item !== null) events.set(digest, text(item, 'eventId') as EventId);
      }
      const eventOf = await getItems(context, [...events.values()].map(eventKey), []);
      return new Set([...events].flatMap(([digest, event]) => (eventOf(eventKey(event)) ? [digest] : [])));
    },
  };
}

async function commit(
  context: StoreContext,
  fence: Fence,
  batch: readonly NewEvent[],
  committedAt: string,
): Promise<{ committed: EventId[]; existing: EventId[] } | 'fenced'> {
  const existing = new Set<number>();
  const digests = new Set<string>();
  const units = batch.map((event, index): Unit => {
    const isFirst = event.digest !== null && event.digest !== '' && !digests.has(event.digest);
    if (isFirst && event.digest !== null) digests.add(event.digest);
    return {
      writes: writesOf(context, event, { committedAt, position: index, withDigest: isFirst }),
      // The event is the only one of them that has a condition: it is there already.
      otherwise: () => {
        existing.add(index);
        return null;
      },
    };
  });
  if ((await writeUnits(context, fence, units)) === 'fenced') return 'fenced';
  return {
    committed: batch.filter((_, index) => !existing.has(index)).map(({ id }) => id),
    existing: batch.filter((_, index) => existing.has(index)).map(({ id }) => id),
  };
}

/** An event with its deliveries, due in two minutes in case the hint is lost. */
function writesOf(
  { retention }: StoreContext,
  event: NewEvent,
  made: { readonly committedAt: string; readonly position: number; readonly withDigest: boolean },
): Write[] {
  const { committedAt, position: eventPosition, withDigest } = made;
  const webhookIds = [...new Set(event.webhooks)];
  const { endedDays } = retention;
  const item = newEventItem(event, webhookIds.length, { committedAt, position: eventPosition, endedDays });
  const dueAt = isoOf(Date.parse(committedAt) + HINT_MS);
  const deliveries = webhookIds.map((webhookId, position) =>
    newDeliveryItem({ eventId: event.id, webhookId }, subjectOf(event), {
      ...{ at: committedAt, dueAt, trigger: 'schedule', position, eventPosition },
    }),
  );
  return [
    { kind: 'put', item, condition: NOT_THERE },
    ...deliveries.map((delivery): Write => ({ kind: 'put', item: delivery })),
    ...(withDigest ? [digestWrite(event, committedAt)] : []),
  ];
}

function digestWrite({ id, accountId, digest }: NewEvent, committedAt: string): Write {
  const expiry = expiryAfter(Date.parse(committedAt), DIGEST_DAYS);
  const key = digestKey(accountId, digest ?? '');
  return { kind: 'put', item: attributes({ ...key, eventId: id, [EXPIRY_ATTRIBUTE]: expiry }) };
}
