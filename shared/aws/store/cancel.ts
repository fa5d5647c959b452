import type { DeliveryRef } from '../../identity.ts';
import type { StoreContext } from './context.ts';
import type { CountChanges } from './delivery-counts.ts';
import { changeIfSame, endedAttributes, stateOf } from './delivery-item.ts';
import { changeDelivery } from './event-change.ts';
import { storedEvent } from './event-item.ts';
import { deliveryKey, eventKey } from './keys.ts';
import type { Item } from './marshal.ts';
import type { Owners } from './owners.ts';
import { getItems } from './requests.ts';
import { persist } from './retry.ts';

/**
 * Ends an open delivery that nobody is to attempt any more, with all that follows for its event; false when it is not open,
 * or not as it must be.
 */
export async function cancelDelivery(
  context: StoreContext,
  { owners, counts }: { readonly owners: Owners; readonly counts: CountChanges },
  ref: DeliveryRef,
  { now, isWanted }: { readonly now: Date; readonly isWanted: (delivery: Item) => boolean },
): Promise<boolean> {
  return await persist<boolean>(context, 'cancel a delivery', async () => {
    const itemOf = await getItems(context, [deliveryKey(ref), eventKey(ref.eventId)]);
    const delivery = itemOf(deliveryKey(ref));
    const event = itemOf(eventKey(ref.eventId));
    if (delivery === null || event === null || !isOpen(delivery) || !isWanted(delivery)) return false;
    const at = now.toISOString();
    const ended = endedAttributes('cancelled', ref.webhookId, at, context.retention);
    const changed = await changeDelivery(context, owners, {
      event: storedEvent(event),
      change: {
        write: changeIfSame(ref, delivery, ended),
        ...{ from: stateOf(delivery), to: 'cancelled', settlements: 'decide' },
      },
      now,
    });
    if (changed.kind === 'refused') return null;
    if (changed.kind === 'done') counts.add('cancelled', at, 1);
    return changed.kind === 'done';
  });
}

function isOpen(delivery: Item): boolean {
  const state = stateOf(delivery);
  return state === 'pending' || state === 'parked';
}
