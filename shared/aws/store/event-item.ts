import { type EventRecord, messageState, type SettlementStatus } from '../../event.ts';
import type { AccountId, EventId } from '../../identity.ts';
import type { LinkedEvent, NewEvent } from '../../ports/store.ts';
import { type Assignment, assign } from './assign.ts';
import { DAY_MS } from './context.ts';
import { accountList, logPartition, timeSort } from './index-keys.ts';
import { eventKey } from './keys.ts';
import {
  attributes,
  type Item,
  jsonOrNull,
  number,
  packed,
  StoredItemError,
  text,
  textOrNull,
  unpackedOrNull,
} from './marshal.ts';
import { isOutstanding, type StoredSettlement } from './settlements.ts';
import { EXPIRY_ATTRIBUTE } from './table.ts';

/** What never changes of an event. One packed text: an event is written three times, and each write costs by its size. */
type EventDocument = Omit<EventRecord, 'id' | 'open' | 'delivered' | 'failed' | 'settlement'>;

/** What changes of an event. */
export interface EventState {
  /** As in `EventRecord`. */
  readonly open: number;
  readonly delivered: number;
  readonly failed: number;
  readonly settlements: readonly StoredSettlement[];
  /** When the last delivery ended; null while one is open. */
  readonly endedAt: string | null;
}

/** An event as it is stored. */
export interface StoredEvent extends EventDocument, EventState {
  readonly id: EventId;
  /** Grows with each change: who changes an event makes sure that it is as it was read. */
  readonly revision: number;
}

/** The condition under which an event is changed; its value is `:seen`. */
export const EVENT_UNCHANGED = 'revision = :seen';

/** The state by which events are listed: that of a message, or that it is none. */
type ListedState = ReturnType<typeof messageState> | 'operational';

/** The state by which an event is listed. */
export function listedState(
  event: Pick<StoredEvent, 'type' | 'source' | 'open' | 'delivered' | 'failed'>,
): ListedState {
  return event.source === null ? 'operational' : messageState(event);
}

/** Seconds since 1970 so many days after a time. */
export function expiryAfter(timeMs: number, days: number): number {
  return Math.ceil((timeMs + days * DAY_MS) / 1_000);
}

/** The item of a new event with so many deliveries; its position is that among those committed together. */
export function newEventItem(
  event: NewEvent,
  deliveries: number,
  made: { readonly committedAt: string; readonly position: number; readonly endedDays: number },
): Item {
  const { committedAt, position, endedDays } = made;
  const { id, webhooks: _webhooks, ...given } = event;
  const document: EventDocument = { ...given, committedAt };
  const state: EventState = {
    ...{ open: deliveries, delivered: 0, failed: 0, settlements: [] },
    endedAt: deliveries === 0 ? committedAt : null,
  };
  return attributes({
    ...eventKey(id),
    event: packed(JSON.stringify(document)),
    ...stateAttributes({ ...document, ...state }, { isCovered: false, endedDays }),
    revision: 1,
    gsi1pk: logPartition(committedAt.slice(0, 7)),
    gsi1sk: timeSort(committedAt, position, id),
    gsi2pk: accountList(event.accountId),
    gsi2sk: timeSort(committedAt, position, id),
  });
}

/** How an event's item is brought to another state. */
export function stateAssignment(
  event: StoredEvent,
  state: EventState,
  expiry: { readonly isCovered: boolean; readonly endedDays: number },
): Assignment {
  return assign({ ...stateAttributes({ ...event, ...state }, expiry), revision: event.revision + 1 });
}

function stateAttributes(
  event: EventDocument & EventState,
  { isCovered, endedDays }: { readonly isCovered: boolean; readonly endedDays: number },
) {
  return {
    openCount: event.open,
    deliveredCount: event.delivered,
    failedCount: event.failed,
    itemState: listedState(event),
    settlements: event.settlements.length === 0 ? null : JSON.stringify(event.settlements),
    endedAt: event.endedAt,
    [EXPIRY_ATTRIBUTE]: mayExpire(event, isCovered)
      ? expiryAfter(Date.parse(event.endedAt ?? event.committedAt), endedDays)
      : null,
  };
}

/**
 * An event stays while anything is to be done about it; a POP3 event also until a saved ledger has its UIDL, which without
 * either would count as new.
 */
export function mayExpire(
  { open, endedAt, settlements, source }: Pick<EventDocument, 'source'> & EventState,
  isCovered: boolean,
): boolean {
  if (open > 0 || endedAt === null || settlements.some(isOutstanding)) return false;
  return source?.protocol !== 'pop3' || isCovered;
}

/** The event of an item. */
export function storedEvent(item: Item): StoredEvent {
  return {
    ...documentOf(item),
    id: text(item, 'pk').slice(2) as EventId,
    open: number(item, 'openCount'),
    delivered: number(item, 'deliveredCount'),
    failed: number(item, 'failedCount'),
    settlements: jsonOrNull<StoredSettlement[]>(item, 'settlements') ?? [],
    endedAt: textOrNull(item, 'endedAt'),
    revision: number(item, 'revision'),
  };
}

/** The attributes that `linkedEvent` reads. */
export const LINK_ATTRIBUTES: readonly string[] = ['pk', 'sk', 'event'];

/** What the links of an event need; its bytes may have expired all the same. */
export function linkedEvent(id: EventId, item: Item): LinkedEvent {
  const { linkToken, committedAt, sizeBytes, raw, body } = documentOf(item);
  return { id, linkToken, committedAt, sizeBytes, raw, body };
}

function documentOf(item: Item): EventDocument {
  const document = unpackedOrNull(item, 'event');
  if (document === null) throw new StoredItemError(item, 'event', 'there');
  const parsed = JSON.parse(document) as EventDocument;
  // Undefined in events from before there were links.
  return { ...parsed, linkToken: parsed.linkToken ?? null };
}

/** The event as the domain has it. */
export function eventOf(
  { settlements: _settlements, endedAt: _endedAt, revision: _revision, ...event }: StoredEvent,
  settlement: SettlementStatus,
): EventRecord {
  return { ...event, settlement };
}

/** The accounts of events, each once. */
export function accountsOf(events: readonly Pick<StoredEvent, 'accountId'>[]): AccountId[] {
  return [...new Set(events.map(({ accountId }) => accountId))];
}
