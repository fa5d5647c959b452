import {
  type AccountSettings,
  formatServerAction,
  parseServerAction,
  type ServerAction,
} from '../../account.ts';
import type { SettlementStatus } from '../../event.ts';
import type { AccountId, EventId, Source } from '../../identity.ts';
import type { Settlement } from '../../ports/store.ts';
import { type SettlementCause, type SettlementStep, settlementSteps } from '../../settlement.ts';
import {
  type Key,
  parseSettlementKey,
  type SettlementSlot,
  settlementKey,
  settlementWorkKey,
} from './keys.ts';
import { attributes, type Item, json, number, text } from './marshal.ts';

/** Nothing is done to a message that could not be fetched: that its webhooks know of it is not that they have it. */
const SETTLED_TYPE = 'message.received';

/** What an account's owner wants done to messages. */
export type Policy = Pick<AccountSettings, 'onDelivered' | 'onFailed' | 'deleteAfterDays'>;

/**
 * A settlement as its event has it. A message has at most one of each slot, whatever its deliveries come to in the course
 * of time: what is to be done at once after a success, the deletion that `--delete-after` asks for, and what is to be done
 * after a failure.
 */
export interface StoredSettlement {
  readonly slot: SettlementSlot;
  readonly cause: SettlementCause;
  /** As `formatServerAction` writes it. */
  readonly action: string;
  readonly state: 'open' | 'done' | 'failed' | 'void';
  /** Open with a time: to be done then, and in the account's work; open without: withdrawn while deliveries are open again. */
  readonly dueAt: string | null;
  readonly closedAt: string | null;
  /** When the last of the message's deliveries ended. */
  readonly endedAt: string;
  /** Tries that did not work. */
  readonly attempts: number;
  /** Why it is not done, or did not work the last time. */
  readonly reason?: string | null;
}

/** An event as far as its settlements depend on it. */
interface Settled {
  readonly id: EventId;
  readonly accountId: AccountId;
  readonly type: string;
  readonly source: Source | null;
  readonly open: number;
  readonly delivered: number;
  readonly failed: number;
  readonly settlements: readonly StoredSettlement[];
}

/** The settlements of an event after a change, and what changes in its account's work with them. */
export interface SettlementPlan {
  readonly settlements: readonly StoredSettlement[];
  readonly opened: readonly Item[];
  readonly closed: readonly Key[];
}

/** Whether anything follows for the server when the last delivery of such an event ends. */
export function isSettled({ type, source }: Pick<Settled, 'type' | 'source'>): boolean {
  return type === SETTLED_TYPE && source !== null;
}

/**
 * What follows from deliveries that have all ended. What is done already is never planned again, and after a success
 * nothing that a failure asks for.
 */
export function planSettlements(event: Settled, policy: Policy, endedAt: Date): SettlementPlan {
  const had = event.settlements;
  const succeeded = had.some(({ cause, state }) => cause === 'delivered' && state === 'done');
  const wanted = new Map<SettlementSlot, StoredSettlement>();
  for (const step of settlementSteps(event, policy, endedAt)) {
    const slot = slotOf(step, policy, wanted);
    const old = had.find((one) => one.slot === slot);
    const stands = old !== undefined && (old.state === 'done' || isOutstanding(old));
    if (stands) wanted.set(slot, old);
    else if (!(succeeded && step.cause === 'failed')) wanted.set(slot, openSettlement(slot, step, endedAt));
  }
  const kept = had.filter(({ slot, state }) => state !== 'open' && !wanted.has(slot));
  const settlements = [...kept, ...wanted.values()];
  return {
    settlements,
    opened: settlements
      .filter((one) => isOutstanding(one) && !had.includes(one))
      .map((one) => settlementItem(event, one)),
    closed: had
      .filter((one) => isOutstanding(one) && !settlements.includes(one))
      .map((one) => settlementItemKey(event, one)),
  };
}

/** Takes back what is not done yet, because deliveries are open again. */
export function withdrawSettlements(event: Settled): SettlementPlan {
  return {
    settlements: event.settlements.map((one) => (isOutstanding(one) ? { ...one, dueAt: null } : one)),
    opened: [],
    closed: event.settlements.filter(isOutstanding).map((one) => settlementItemKey(event, one)),
  };
}

/** Whether a settlement is still to be done. */
export function isOutstanding({ state, dueAt }: StoredSettlement): boolean {
  return state === 'open' && dueAt !== null;
}

/** Where the settlement of a message stands. The policy is null when the account is gone. */
export function settlementStatus(event: Settled, policy: Policy | null, now: Date): SettlementStatus {
  const none: SettlementStatus = { action: { kind: 'none' }, state: 'none', reason: null };
  if (!isSettled(event)) return none;
  const [next] = event.settlements
    .filter(isOutstanding)
    .toSorted((a, b) => compare(a.dueAt ?? '', b.dueAt ?? ''));
  if (next !== undefined) {
    const state = (next.dueAt ?? '') <= now.toISOString() ? 'due' : 'waiting';
    return { action: actionOf(next), state, reason: next.reason ?? null };
  }
  const closed = event.settlements
    .toSorted((a, b) => compare(a.closedAt ?? '', b.closedAt ?? ''))
    .findLast(({ state }) => state !== 'open');
  if (closed !== undefined && closed.state !== 'open' && (event.open === 0 || closed.state === 'done')) {
    return { action: actionOf(closed), state: closed.state, reason: closed.reason ?? null };
  }
  const action = event.open > 0 && policy !== null ? expectedAction(policy) : none.action;
  return action.kind === 'none' ? none : { action, state: 'waiting', reason: null };
}

/** The settlement of an item of the account's work. Throws StoredItemError and RangeError when it is none. */
export function settlementOf(item: Item): Settlement {
  const key = text(item, 'sk');
  const parts = parseSettlementKey(key);
  if (parts === null) throw new RangeError(`Cannot read the settlement "${key}": it has not the key of one`);
  return {
    key: settlementWorkKey(parts),
    eventId: parts.eventId,
    source: json<Source>(item, 'messageSource'),
    cause: text(item, 'cause') as SettlementCause,
    action: actionOf({ action: text(item, 'serverAction') }),
    attempts: number(item, 'attempts'),
    dueAt: new Date(parts.dueAt),
    endedAt: new Date(text(item, 'endedAt')),
  };
}

/** The item of the account's work for a settlement that is outstanding. */
export function settlementItem(event: Settled, settlement: StoredSettlement): Item {
  return attributes({
    ...settlementItemKey(event, settlement),
    messageSource: JSON.stringify(event.source),
    cause: settlement.cause,
    serverAction: settlement.action,
    attempts: settlement.attempts,
    endedAt: settlement.endedAt,
  });
}

/** The key of that item. */
export function settlementItemKey(event: Settled, { dueAt, slot }: StoredSettlement): Key {
  return settlementKey(event.accountId, dueAt ?? '', event.id, slot);
}

function openSettlement(
  slot: SettlementSlot,
  { cause, action, dueAt }: SettlementStep,
  endedAt: Date,
): StoredSettlement {
  const written = formatServerAction(action);
  const dates = { dueAt: dueAt.toISOString(), closedAt: null, endedAt: endedAt.toISOString() };
  return { slot, cause, action: written, state: 'open', ...dates, attempts: 0 };
}

/** `settlementSteps` gives the action that is due at once first, if there is one, and then the deletion by age. */
function slotOf(
  { cause }: SettlementStep,
  policy: Policy,
  taken: ReadonlyMap<SettlementSlot, unknown>,
): SettlementSlot {
  if (cause === 'failed') return 'failed';
  return policy.onDelivered.kind === 'none' || taken.has('delivered') ? 'expiry' : 'delivered';
}

/** What is done first when all goes well; else what is done when it does not. */
function expectedAction(policy: Policy): ServerAction {
  if (policy.onDelivered.kind !== 'none') return policy.onDelivered;
  return policy.deleteAfterDays === null ? policy.onFailed : { kind: 'delete' };
}

function actionOf({ action }: Pick<StoredSettlement, 'action'>): ServerAction {
  const parsed = parseServerAction(action);
  if (parsed === null) throw new RangeError(`Cannot read the stored action "${action.slice(0, 20)}"`);
  return parsed;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
