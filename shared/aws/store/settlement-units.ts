import type { AccountId, EventId } from '../../identity.ts';
import type { Progress, WorkKey } from '../../ports/store.ts';
import type { StoreContext } from './context.ts';
import { coverage } from './event-change.ts';
import { EVENT_UNCHANGED, type StoredEvent, stateAssignment, storedEvent } from './event-item.ts';
import type { Unit } from './fenced-writes.ts';
import { accountPartition, eventKey, type Key, parseSettlementKey, type SettlementSlot } from './keys.ts';
import { type Item, text } from './marshal.ts';
import { createOwners, type Owners } from './owners.ts';
import { getItems } from './requests.ts';
import { isOutstanding, rescheduledItem, type StoredSettlement } from './settlements.ts';
import type { Write } from './writes.ts';

const THERE = 'attribute_exists(pk)';

interface Scope {
  readonly context: StoreContext;
  readonly owners: Owners;
  readonly id: AccountId;
}

/** One settlement, by the parts of its key. */
interface Target {
  readonly key: Key;
  readonly eventId: EventId;
  readonly slot: SettlementSlot;
}

/** Whether a key of work is that of a settlement. */
export function isSettlement(key: WorkKey): boolean {
  return parseSettlementKey(key) !== null;
}

function targetOf(id: AccountId, key: WorkKey): Target | null {
  const parts = parseSettlementKey(key);
  return parts && { key: { pk: accountPartition(id), sk: key }, ...parts };
}

/** Closes settlements: they leave the account's work, and their events know how they ended. */
export async function closeUnits(
  context: StoreContext,
  id: AccountId,
  closed: Progress['closed'],
  now: Date,
): Promise<Unit[]> {
  const scope = { context, owners: createOwners(context), id };
  const targets = closed.flatMap(({ key, as }) => {
    const target = targetOf(id, key);
    return target === null ? [] : [{ ...target, as }];
  });
  const itemOf = await getItems(
    context,
    targets.map(({ eventId }) => eventKey(eventId)),
  );
  const units: Unit[] = [];
  for (const { as, ...target } of targets) {
    const change = (one: StoredSettlement): StoredSettlement | null =>
      one.state === 'open' ? { ...one, state: as, dueAt: null, closedAt: now.toISOString() } : null;
    const writes: Write[] = [{ kind: 'delete', key: target.key }];
    units.push(await unitOf(scope, target, { writes, item: itemOf(eventKey(target.eventId)), change }));
  }
  return units;
}

/** Puts settlements off that are still to be done, each with one more attempt. */
export async function rescheduleUnits(
  context: StoreContext,
  id: AccountId,
  rescheduled: Progress['rescheduled'],
): Promise<Unit[]> {
  const scope = { context, owners: createOwners(context), id };
  const targets = rescheduled.flatMap(({ key, dueAt }) => {
    const target = targetOf(id, key);
    return target === null ? [] : [{ ...target, dueAt: dueAt.toISOString() }];
  });
  const itemOf = await getItems(
    context,
    targets.flatMap(({ key, eventId }) => [key, eventKey(eventId)]),
  );
  const units: Unit[] = [];
  for (const { dueAt, ...target } of targets) {
    const work = itemOf(target.key);
    if (work === null) continue;
    const moved = rescheduledItem(work, id, dueAt);
    if (text(moved, 'sk') === target.key.sk) {
      units.push(againUnit(target.key));
      continue;
    }
    const change = (one: StoredSettlement) => (isOutstanding(one) ? { ...one, dueAt } : null);
    const writes: Write[] = [
      { kind: 'delete', key: target.key, condition: THERE },
      { kind: 'put', item: moved },
    ];
    units.push(await unitOf(scope, target, { writes, item: itemOf(eventKey(target.eventId)), change }));
  }
  return units;
}

/** A settlement that is to be tried again at the time at which it was due. */
function againUnit(key: Key): Unit {
  const update = 'ADD attempts :one';
  return {
    writes: [{ kind: 'update', key, update, condition: THERE, values: { ':one': 1 } }],
    otherwise: () => null,
  };
}

interface Part {
  /** The writes of the account's work. */
  readonly writes: readonly Write[];
  /** The event as it was found. */
  readonly item: Item | null;
  /** What becomes of the settlement in the event; null when it is not touched there. */
  readonly change: (settlement: StoredSettlement) => StoredSettlement | null;
}

/** The writes of a settlement together with that of its event, which is read anew when somebody else changed it. */
async function unitOf(scope: Scope, target: Target, part: Part): Promise<Unit> {
  const event = part.item && storedEvent(part.item);
  const write = event === null ? null : await eventWrite(scope, target, event, part.change);
  return {
    writes: write === null ? part.writes : [...part.writes, write],
    otherwise(refusals) {
      const ofEvent = refusals.find(({ index }) => index === part.writes.length);
      // Another refusal says that the settlement was withdrawn: there is nothing left to change.
      return ofEvent === undefined || refusals.length > 1
        ? null
        : unitOf(scope, target, { ...part, item: ofEvent.item });
    },
  };
}

async function eventWrite(
  { context, owners, id }: Scope,
  { slot }: Target,
  event: StoredEvent,
  change: Part['change'],
): Promise<Write | null> {
  const before = event.settlements.find((one) => one.slot === slot);
  const after = before === undefined ? null : change(before);
  if (after === null || event.accountId !== id) return null;
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
