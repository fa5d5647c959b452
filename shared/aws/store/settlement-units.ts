import type { AccountId } from '../../identity.ts';
import type { Progress, WorkKey } from '../../ports/store.ts';
import type { StoreContext } from './context.ts';
import { coverage } from './event-change.ts';
import { EVENT_UNCHANGED, type StoredEvent, stateAssignment, storedEvent } from './event-item.ts';
import type { Unit } from './fenced-writes.ts';
import { eventKey, parseSettlementWorkKey, type SettlementName } from './keys.ts';
import type { Item } from './marshal.ts';
import { createOwners, type Owners } from './owners.ts';
import { getItems } from './requests.ts';
import { isOutstanding, type StoredSettlement, settlementItem, settlementItemKey } from './settlements.ts';
import type { Write } from './writes.ts';

interface Scope {
  readonly context: StoreContext;
  readonly owners: Owners;
  readonly id: AccountId;
}

/** What becomes of one settlement; null when it is not as it must be, and stays so. */
type Change = (settlement: StoredSettlement) => StoredSettlement | null;

/**
 * What a poll did to settlements: those that were done leave the account's work, and those that did not work this time are
 * in it at another time. Their events know either.
 */
export async function settlementUnits(
  context: StoreContext,
  id: AccountId,
  { rescheduled, closed }: Pick<Progress, 'rescheduled' | 'closed'>,
  now: Date,
): Promise<Unit[]> {
  const changes = [
    ...rescheduled.map(({ key, dueAt, error }) => named(key, putOff(dueAt.toISOString(), error))),
    ...closed.map(({ key, as, reason = null }) => named(key, close(as, reason, now.toISOString()))),
  ].filter((one) => one !== null);
  if (changes.length === 0) return [];
  const itemOf = await getItems(
    context,
    changes.map(({ name }) => eventKey(name.eventId)),
  );
  const scope = { context, owners: createOwners(context), id };
  const units: Unit[] = [];
  for (const { name, change } of changes) {
    const unit = await unitOf(scope, name, itemOf(eventKey(name.eventId)), change);
    if (unit !== null) units.push(unit);
  }
  return units;
}

function named(
  key: WorkKey,
  change: Change,
): { readonly name: SettlementName; readonly change: Change } | null {
  const name = parseSettlementWorkKey(key);
  return name && { name, change };
}

function close(as: 'done' | 'failed' | 'void', reason: string | null, now: string): Change {
  return (one) => (one.state === 'open' ? { ...one, state: as, reason, dueAt: null, closedAt: now } : null);
}

function putOff(dueAt: string, reason: string): Change {
  return (one) => (isOutstanding(one) ? { ...one, dueAt, reason, attempts: one.attempts + 1 } : null);
}

/** The change of the event and of the account's work together; the event is taken anew when somebody else changed it. */
async function unitOf(
  scope: Scope,
  name: SettlementName,
  item: Item | null,
  change: Change,
): Promise<Unit | null> {
  const event = item && storedEvent(item);
  const before = event?.settlements.find(({ slot }) => slot === name.slot);
  const after = before && change(before);
  if (event === null || before === undefined || after == null || event.accountId !== scope.id) return null;
  return {
    writes: [await eventWrite(scope, event, before, after), ...workWrites(event, before, after)],
    otherwise: ([refusal]) => unitOf(scope, name, refusal?.item ?? null, change),
  };
}

function workWrites(event: StoredEvent, before: StoredSettlement, after: StoredSettlement): Write[] {
  const isMoved = before.dueAt !== after.dueAt;
  const key = settlementItemKey(event, before);
  return [
    ...(isOutstanding(before) && isMoved ? [{ kind: 'delete', key } as const] : []),
    ...(isOutstanding(after) ? [{ kind: 'put', item: settlementItem(event, after) } as const] : []),
  ];
}

async function eventWrite(
  { context, owners }: Scope,
  event: StoredEvent,
  before: StoredSettlement,
  after: StoredSettlement,
): Promise<Write> {
  const settlements = event.settlements.map((one) => (one === before ? after : one));
  const state = { ...event, settlements };
  const isCovered = await coverage(owners, event, state);
  const { endedDays } = context.retention;
  const { update, values } = stateAssignment(event, state, { isCovered, endedDays });
  return {
    ...{ kind: 'update', key: eventKey(event.id), update, condition: EVENT_UNCHANGED },
    values: { ...values, ':seen': event.revision },
  };
}
