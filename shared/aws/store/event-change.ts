import { counterOf, type DeliveryState } from '../../delivery.ts';
import { announceWork } from './account-due.ts';
import { assign } from './assign.ts';
import type { StoreContext } from './context.ts';
import {
  EVENT_UNCHANGED,
  type EventState,
  mayExpire,
  type StoredEvent,
  stateAssignment,
  storedEvent,
} from './event-item.ts';
import { eventKey, parseSettlementKey } from './keys.ts';
import { type Item, text } from './marshal.ts';
import type { Owners } from './owners.ts';
import { persist } from './retry.ts';
import { isSettled, planSettlements, type SettlementPlan, withdrawSettlements } from './settlements.ts';
import { transact, type Write } from './writes.ts';

/** One delivery goes from one state to another, null for one that was not there. */
interface DeliveryChange {
  /** Writes the delivery if it is as it was read. */
  readonly write: Write;
  readonly from: DeliveryState | null;
  readonly to: DeliveryState;
  /** `decide`: what follows when no delivery is open any more; `withdraw`: what was to follow waits. */
  readonly settlements: 'decide' | 'withdraw';
}

/** How a change went. */
type Changed =
  | { readonly kind: 'done' }
  /** The delivery is not as it was read; here it is. */
  | { readonly kind: 'refused'; readonly delivery: Item | null }
  /** The event is not there any more. */
  | { readonly kind: 'gone' };

/** Another delivery of the event is open, and stays so. */
const OTHERS_OPEN = 'openCount > :one';

/**
 * Changes a delivery together with the counters of its event, in one transaction; whoever brings `open` to 0 writes the
 * settlements in it. That one changes the event only as it was read: of two that end together the second finds the first's
 * counters, and decides by them. The others before it only count, which needs no more than that another is still open, so
 * that the deliveries of an event for 50 webhooks can end at once.
 */
export async function changeDelivery(
  context: StoreContext,
  owners: Owners,
  {
    event,
    change,
    now,
  }: { readonly event: StoredEvent; readonly change: DeliveryChange; readonly now: Date },
): Promise<Changed> {
  let current = event;
  return await persist<Changed>(context, 'change a delivery', async () => {
    const writes = endsOneOfMany(current, change)
      ? countingWrites(current, change)
      : await decidingWrites(context, owners, { event: current, change, now });
    const refusals = await transact(context, writes);
    if (refusals.length === 0) return { kind: 'done' };
    const ofDelivery = refusals.find(({ index }) => index === 0);
    if (ofDelivery !== undefined) return { kind: 'refused', delivery: ofDelivery.item };
    const found = refusals.find(({ index }) => index === 1)?.item ?? null;
    if (found === null) return { kind: 'gone' };
    current = storedEvent(found);
    return null;
  });
}

function endsOneOfMany(event: StoredEvent, { from, to, settlements }: DeliveryChange): boolean {
  const isEnd = counterOf(from) === 'open' && counterOf(to) !== 'open';
  return isEnd && settlements === 'decide' && event.open > 1;
}

function countingWrites(event: StoredEvent, { write, to }: DeliveryChange): Write[] {
  const counter = counterOf(to);
  const { update, values } = assign(
    {},
    {
      ...{ openCount: -1, revision: 1 },
      ...(counter === 'delivered' && { deliveredCount: 1 }),
      ...(counter === 'failed' && { failedCount: 1 }),
    },
  );
  return [
    write,
    {
      ...{ kind: 'update', key: eventKey(event.id), update, condition: OTHERS_OPEN },
      values: { ...values, ':one': 1 },
    },
  ];
}

async function decidingWrites(
  context: StoreContext,
  owners: Owners,
  {
    event,
    change,
    now,
  }: { readonly event: StoredEvent; readonly change: DeliveryChange; readonly now: Date },
): Promise<readonly Write[]> {
  const { state, plan } = await nextState(owners, event, change, now);
  await announce(context, event, plan, now);
  const isCovered = await coverage(owners, event, state);
  const { endedDays } = context.retention;
  return writesOf(event, change, { state, plan, isCovered, endedDays });
}

async function nextState(
  owners: Owners,
  event: StoredEvent,
  { from, to, settlements }: DeliveryChange,
  now: Date,
): Promise<{ state: EventState; plan: SettlementPlan }> {
  const had = counterOf(from);
  const has = counterOf(to);
  const count = (counter: 'open' | 'delivered' | 'failed') =>
    event[counter] + Number(has === counter) - Number(had === counter);
  const counts = { open: count('open'), delivered: count('delivered'), failed: count('failed') };
  const after = { ...event, ...counts };
  const plan = settlements === 'withdraw' ? withdrawSettlements(after) : await settle(owners, after, now);
  const endedAt = counts.open > 0 ? null : now.toISOString();
  return { state: { ...counts, endedAt, settlements: plan.settlements }, plan };
}

async function settle(owners: Owners, event: StoredEvent, now: Date): Promise<SettlementPlan> {
  const unchanged: SettlementPlan = { settlements: event.settlements, opened: [], closed: [] };
  if (event.open > 0 || !isSettled(event)) return unchanged;
  const policy = await owners.policy(event.accountId);
  return policy === null ? unchanged : planSettlements(event, policy, now);
}

/** Before the work itself is written; see account-due.ts. */
async function announce(
  context: StoreContext,
  { accountId }: StoredEvent,
  { opened }: SettlementPlan,
  now: Date,
): Promise<void> {
  const [earliest] = opened.map(dueAtOf).sort();
  if (earliest !== undefined) await announceWork(context, accountId, earliest, now);
}

function dueAtOf(item: Item): string {
  return parseSettlementKey(text(item, 'sk'))?.dueAt ?? '';
}

/** Whether the ledger of a POP3 account has the event's UIDL; asked for only where it decides. */
export async function coverage(owners: Owners, event: StoredEvent, state: EventState): Promise<boolean> {
  if (event.source?.protocol !== 'pop3' || !mayExpire({ source: null, ...state }, true)) return false;
  return isCovered(event, await owners.ledgerSavedAt(event.accountId));
}

/** Whether a ledger saved at a time has the UIDL of an event. */
function isCovered({ committedAt }: Pick<StoredEvent, 'committedAt'>, ledgerSavedAt: string | null): boolean {
  return ledgerSavedAt !== null && ledgerSavedAt > committedAt;
}

function writesOf(
  event: StoredEvent,
  { write }: DeliveryChange,
  after: {
    readonly state: EventState;
    readonly plan: SettlementPlan;
    readonly isCovered: boolean;
    readonly endedDays: number;
  },
): Write[] {
  const { update, values } = stateAssignment(event, after.state, after);
  return [
    write,
    {
      ...{ kind: 'update', key: eventKey(event.id), update, condition: EVENT_UNCHANGED },
      values: { ...values, ':seen': event.revision },
    },
    ...after.plan.opened.map((item): Write => ({ kind: 'put', item })),
    ...after.plan.closed.map((key): Write => ({ kind: 'delete', key })),
  ];
}
