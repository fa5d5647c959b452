import type { DeliveryRef } from '../../identity.ts';
import type { Store } from '../../ports/store.ts';
import { DAY_MS, type StoreContext } from './context.ts';
import { CountChanges } from './delivery-counts.ts';
import { changeIfSame, newDeliveryItem, restartedAttributes, stateOf, subjectOf } from './delivery-item.ts';
import { changeDelivery } from './event-change.ts';
import { type StoredEvent, storedEvent } from './event-item.ts';
import { deliveryKey, eventKey, webhookKey } from './keys.ts';
import { type Item, textOrNull } from './marshal.ts';
import { createOwners } from './owners.ts';
import { getItems } from './requests.ts';
import { persist } from './retry.ts';
import type { Write } from './writes.ts';

type Trigger = Parameters<Store['replay']>[1];

const NOT_THERE = 'attribute_not_exists(pk)';

/** How a delivery is made again. */
export function createReplay(context: StoreContext): Pick<Store, 'replay'> {
  return {
    async replay(ref, trigger, now) {
      const owners = createOwners(context);
      const counts = new CountChanges();
      const answer = await persist<'ok' | 'gone'>(context, 'replay a delivery', async () => {
        const keys = [deliveryKey(ref), eventKey(ref.eventId), webhookKey(ref.webhookId)];
        const itemOf = await getItems(context, keys);
        const event = itemOf(eventKey(ref.eventId));
        if (event === null || itemOf(webhookKey(ref.webhookId)) === null) return 'gone';
        const stored = storedEvent(event);
        if (!hasBytes(context, stored, now)) return 'gone';
        const delivery = itemOf(deliveryKey(ref));
        const from = delivery && stateOf(delivery);
        const write = restart(stored, delivery, { ref, trigger, at: now.toISOString() });
        const changed = await changeDelivery(context, owners, {
          event: stored,
          change: { write, from, to: 'pending', settlements: 'withdraw' },
          now,
        });
        if (changed.kind !== 'done') return changed.kind === 'gone' ? 'gone' : null;
        if (delivery !== null && from !== null) counts.add(from, textOrNull(delivery, 'endedAt'), -1);
        return 'ok';
      });
      await counts.save(context);
      return answer;
    },
  };
}

/** An event may outlive its bytes, which the bucket deletes by their age. */
function hasBytes({ retention }: StoreContext, { committedAt }: StoredEvent, now: Date): boolean {
  return now.getTime() - Date.parse(committedAt) < retention.blobDays * DAY_MS;
}

/** There is no hint, so the tick is to find it at once. */
function restart(
  event: StoredEvent,
  delivery: Item | null,
  { ref, trigger, at }: { readonly ref: DeliveryRef; readonly trigger: Trigger; readonly at: string },
): Write {
  if (delivery !== null) {
    return changeIfSame(ref, delivery, restartedAttributes(ref.webhookId, at, trigger));
  }
  const item = newDeliveryItem(ref, subjectOf(event), {
    ...{ at, dueAt: at, trigger, position: 0, eventPosition: 0 },
  });
  return { kind: 'put', item, condition: NOT_THERE };
}
