import type { DeliveryState } from '../../delivery.ts';
import type { AccountId, EventId, WebhookId } from '../../identity.ts';

/** The shards of what is due: one takes 1,000 changes a second, about 300 mails. */
export const DUE_SHARDS = 1;

/** The partition of the work index with what is due. */
export function duePartition(shard = 0): string {
  return `due#${shard}`;
}

/** The partition of the work index with the accounts of one interval class. */
export function wheelPartition(classMinutes: number, shard = 0): string {
  return `wheel#${shard}#${classMinutes}`;
}

/** The place of an account within its interval class. */
export function wheelSort(slot: number, id: AccountId): string {
  return `${slotText(slot)}#${id}`;
}

/** The sort keys of the accounts with a slot from the first to the last. */
export function wheelRange(first: number, last: number): { readonly first: string; readonly last: string } {
  return { first: slotText(first), last: `${slotText(last)}#~` };
}

/** Four digits: the longest class has 1,440 slots. */
function slotText(slot: number): string {
  return String(slot).padStart(4, '0');
}

/** The partition of the work index with the events committed in a month, `YYYY-MM`. */
export function logPartition(month: string): string {
  return `log#${month}`;
}

/** The partition of the work index with the gaps of all accounts. */
export const GAPS_PARTITION = 'gaps';

/** An event's or a delivery's place in a list: by time, and of those committed together by their order. */
export function timeSort(time: string, position: number, id: EventId): string {
  return `${time}#${String(position).padStart(4, '0')}#${id}`;
}

/** The form of such a place. */
export const PLACE = String.raw`\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z#\d{4,}#msg_[a-z0-9]{26}`;

/** The event of such a place. */
export function eventIdAt(place: string): EventId {
  return place.slice(place.indexOf('msg_')) as EventId;
}

/** The partition of the list index with the events of an account. */
export function accountList(id: AccountId): string {
  return `A#${id}`;
}

/** The partition of the list index with the deliveries of a webhook in one state. */
export function deliveryList(id: WebhookId, state: DeliveryState): string {
  return `H#${id}#${state}`;
}
