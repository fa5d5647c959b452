import type { Attempt, Delivery, DeliveryState, Trigger } from '../../delivery.ts';
import type { AccountId, DeliveryRef, EventId, WebhookId } from '../../identity.ts';
import { deliveryIdOf } from '../../identity.ts';
import type { BlobRef } from '../../ports/blobs.ts';
import { type Assignable, assign } from './assign.ts';
import type { Retention } from './context.ts';
import { expiryAfter, type StoredEvent } from './event-item.ts';
import { deliveryList, duePartition, timeSort } from './index-keys.ts';
import { deliveryKey } from './keys.ts';
import {
  attributes,
  type Item,
  number,
  numberOr,
  packed,
  text,
  textOrNull,
  unpackedOrNull,
  type Value,
} from './marshal.ts';
import { EXPIRY_ATTRIBUTE } from './table.ts';
import type { Write } from './writes.ts';

/** So many attempts of a delivery are kept, the latest. */
const MAX_ATTEMPTS = 20;

/** Another delivery of the event may end so much later: it was parked, and was attempted for some days after that. */
const EXTRA_DAYS = 5;

/** How long a delivery is kept that has ended: longer than its event, unless that is kept for another reason. */
export function deliveryDays({ endedDays, parkedDays }: Omit<Retention, 'blobDays'>): number {
  return endedDays + parkedDays + EXTRA_DAYS;
}

/** What a delivery takes from its event, so that claiming it reads nothing else. */
interface DeliverySubject {
  readonly accountId: AccountId;
  readonly eventType: string;
  /** Whether the event is a message that counts as pending while the delivery is open. */
  readonly isMessage: boolean;
  readonly eventBody: BlobRef;
}

/** What a delivery takes from an event. */
export function subjectOf(
  event: Pick<StoredEvent, 'accountId' | 'type' | 'source' | 'body'>,
): DeliverySubject {
  const isMessage = event.source !== null && event.type !== 'message.quarantined';
  return { accountId: event.accountId, eventType: event.type, isMessage, eventBody: event.body };
}

/** A new delivery, due at once. */
export function newDeliveryItem(
  ref: DeliveryRef,
  subject: DeliverySubject,
  made: {
    readonly at: string;
    readonly dueAt: string;
    readonly trigger: Trigger;
    /** Among the deliveries of its event. */
    readonly position: number;
    /** Of its event, among those committed together. */
    readonly eventPosition: number;
  },
): Item {
  return attributes({
    ...deliveryKey(ref),
    accountId: subject.accountId,
    eventType: subject.eventType,
    eventBody: subject.eventBody,
    // The order in which the deliveries of an event are shown.
    ordinal: made.position,
    attemptTrigger: made.trigger,
    attemptCount: 0,
    nextAttemptAt: made.at,
    createdAt: made.at,
    gsi2sk: timeSort(made.at, made.eventPosition, ref.eventId) + (subject.isMessage ? '' : OTHER_EVENT),
    ...stateAttributes('pending', ref.webhookId),
    ...dueAttributes(made.dueAt),
  });
}

/** Behind the place in a list of a delivery whose event is no message that counts as pending. */
const OTHER_EVENT = '#other';

/** Whether the place of a delivery in a list is that of a message that counts as pending while it is open. */
export function isOfMessage(place: string): boolean {
  return !place.endsWith(OTHER_EVENT);
}

/** The attributes that hold a delivery's state. */
export function stateAttributes(state: DeliveryState, id: WebhookId): Record<string, Value> {
  return { itemState: state, gsi2pk: deliveryList(id, state) };
}

/** The attributes that make a delivery due at a time. */
export function dueAttributes(at: string): Record<string, Value> {
  return { gsi1pk: duePartition(), gsi1sk: at };
}

/** What is removed of a delivery that nobody attempts and that is not due. */
const AT_REST: Assignable = {
  ...{ gsi1pk: null, gsi1sk: null, nextAttemptAt: null, claimToken: null, claimUntil: null },
};

/** The attributes of a delivery that waits behind the gate of its webhook. */
export function parkedAttributes(id: WebhookId, now: string): Assignable {
  return { ...AT_REST, ...stateAttributes('parked', id), parkedAt: now };
}

/** The attributes of a delivery that has ended. */
export function endedAttributes(
  state: DeliveryState,
  id: WebhookId,
  now: string,
  retention: Retention,
): Assignable {
  return {
    ...AT_REST,
    ...stateAttributes(state, id),
    parkedAt: null,
    endedAt: now,
    [EXPIRY_ATTRIBUTE]: expiryAfter(Date.parse(now), deliveryDays(retention)),
  };
}

/** The attributes of a delivery that is due now and is to be attempted as if never before. */
export function restartedAttributes(id: WebhookId, now: string, trigger: Trigger): Assignable {
  return {
    ...stateAttributes('pending', id),
    ...dueAttributes(now),
    ...{ nextAttemptAt: now, attemptTrigger: trigger, attemptCount: 0 },
    // An attempt under way loses its claim: the new schedule begins now.
    ...{ claimToken: null, claimUntil: null, parkedAt: null, endedAt: null, [EXPIRY_ATTRIBUTE]: null },
  };
}

/** The attributes that record an attempt; those after it are of the schedule. */
export function attemptAttributes(item: Item, attempt: Attempt, isCharged: boolean): Record<string, Value> {
  const attempts = [...attemptsOf(item), attempt].slice(-MAX_ATTEMPTS);
  return {
    attempts: packed(JSON.stringify(attempts)),
    attemptCount: number(item, 'attemptCount') + (isCharged ? 1 : 0),
    attemptTrigger: 'schedule',
  };
}

function attemptsOf(item: Item): readonly Attempt[] {
  const attempts = unpackedOrNull(item, 'attempts');
  return attempts === null ? [] : (JSON.parse(attempts) as Attempt[]);
}

/** What a delivery is changed with: the attributes as they are to be, and the condition that it is as it was read. */
export function changeIfSame(ref: DeliveryRef, seen: Item, change: Assignable): Write {
  const token = textOrNull(seen, 'claimToken');
  const { update, values } = assign(change);
  return {
    ...{ kind: 'update', key: deliveryKey(ref), update },
    condition: `itemState = :seenState AND attemptCount = :seenCount AND ${token === null ? NOT_TAKEN : SAME_CLAIM}`,
    values: {
      ...values,
      ':seenState': stateOf(seen),
      ':seenCount': Number(seen.attemptCount?.N ?? 0),
      ...(token !== null && { ':seenToken': token }),
    },
  };
}

const NOT_TAKEN = 'attribute_not_exists(claimToken)';
const SAME_CLAIM = 'claimToken = :seenToken';

/** Which delivery an item is, also one from an index. */
export function refOf(item: Item): DeliveryRef {
  return {
    eventId: text(item, 'pk').slice(2) as EventId,
    webhookId: text(item, 'sk').slice(2) as WebhookId,
  };
}

/** Whether an item of an event's partition is a delivery. */
export function isDelivery(item: Item): boolean {
  return text(item, 'sk').startsWith('D#');
}

/** The state of a delivery, or of the place of one in an index. */
export function stateOf(item: Item): DeliveryState {
  return text(item, 'itemState') as DeliveryState;
}

/** The delivery of an item. */
export function deliveryOf(item: Item): Delivery {
  const ref = refOf(item);
  return {
    id: deliveryIdOf(ref),
    ...ref,
    accountId: text(item, 'accountId') as AccountId,
    state: stateOf(item),
    attempts: attemptsOf(item),
    attemptCount: number(item, 'attemptCount'),
    nextAttemptAt: textOrNull(item, 'nextAttemptAt'),
    body: (textOrNull(item, 'reducedBody') ?? textOrNull(item, 'frozenBody')) as BlobRef | null,
    createdAt: text(item, 'createdAt'),
    endedAt: textOrNull(item, 'endedAt'),
  };
}

/** The deliveries of an event in the order in which they were made. */
export function inOrder(items: readonly Item[]): Item[] {
  const orderOf = (item: Item) => [text(item, 'createdAt'), numberOr(item, 'ordinal', 0)] as const;
  return items.toSorted((one, other) => {
    const [madeA, positionA] = orderOf(one);
    const [madeB, positionB] = orderOf(other);
    return madeA === madeB ? positionA - positionB : madeA < madeB ? -1 : 1;
  });
}
