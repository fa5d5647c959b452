import { formatServerAction, type ServerAction } from '../../account.ts';
import type { SettlementStatus } from '../../event.ts';
import type { AccountId } from '../../identity.ts';
import { type SettlementCause, type SettlementStep, settlementSteps } from '../../settlement.ts';
import type { Database } from '../database.ts';
import { refreshAccountDue } from './account-due.ts';
import { actionOf } from './account-row.ts';

/** Nothing is done to a message that could not be fetched: that its webhooks know of it is not that they have it. */
const SETTLED_TYPE = 'message.received';

/**
 * A message has at most one settlement of each slot, whatever its deliveries come to in the course of time: what is to be
 * done at once after a success, the deletion that `--delete-after` asks for, what is to be done after a failure.
 */
type Slot = 'delivered' | 'expiry' | 'failed';

/** `open` with a due time: to be done; `open` without: withdrawn while deliveries are open again. */
interface SettlementRow {
  readonly slot: Slot;
  readonly cause: SettlementCause;
  readonly action: string;
  readonly state: 'open' | 'done' | 'failed' | 'void';
  readonly due_at: number | null;
  readonly reason: string | null;
}

interface Policy {
  readonly on_delivered: string;
  readonly on_failed: string;
  readonly delete_after_days: number | null;
}

/** An event's counters after a change, with what it takes to settle it. */
export interface EventCounts {
  readonly seq: number;
  readonly type: string;
  readonly account_id: AccountId;
  readonly open: number;
  readonly delivered: number;
  readonly failed: number;
}

/**
 * Writes what follows from deliveries that have all ended, by the present settings of the account: the last part of every
 * write that may have brought `open` to 0. What is done already is never written again, and after a success nothing that
 * a failure asks for. Says whether something is to be done now.
 */
export function settleEvent(database: Database, counts: EventCounts, nowMs: number): boolean {
  if (counts.open > 0 || counts.type !== SETTLED_TYPE) return false;
  const policy = policyOf(database, counts.account_id);
  if (policy === undefined) return false;
  const steps = settlementSteps(
    counts,
    {
      onDelivered: actionOf(policy.on_delivered),
      onFailed: actionOf(policy.on_failed),
      deleteAfterDays: policy.delete_after_days,
    },
    new Date(nowMs),
  );
  const rows = rowsOf(database, counts.seq);
  const succeeded = rows.some((row) => row.cause === 'delivered' && row.state === 'done');
  let due = false;
  const wanted = new Set<Slot>();
  for (const step of steps) {
    const slot = slotOf(step, policy, wanted);
    wanted.add(slot);
    const row = rows.find((one) => one.slot === slot);
    const stands = row?.state === 'done' || (row?.state === 'open' && row.due_at !== null);
    if (stands || (succeeded && step.cause === 'failed')) continue;
    writeStep(database, counts, slot, step);
    if (step.dueAt.getTime() <= nowMs) due = true;
  }
  for (const row of rows) {
    if (row.state !== 'open' || wanted.has(row.slot)) continue;
    database.run('DELETE FROM settlements WHERE event = ? AND slot = ?', counts.seq, row.slot);
  }
  return due;
}

/** Withdraws what is not done yet, because deliveries are open again; `settleEvent` decides anew when they end. */
export function withdrawSettlements(database: Database, event: number, accountId: AccountId): void {
  const withdrawn = database.run(
    `UPDATE settlements SET due_at = NULL WHERE event = ? AND due_at IS NOT NULL`,
    event,
  );
  if (withdrawn > 0) refreshAccountDue(database, accountId);
}

/** How a settlement ended on the server. */
export function closeSettlement(
  database: Database,
  accountId: AccountId,
  { event, slot }: { readonly event: number; readonly slot: string },
  { as, reason, nowMs }: { as: 'done' | 'failed' | 'void'; reason: string | null; nowMs: number },
): void {
  database.run(
    `UPDATE settlements SET state = ?, reason = ?, due_at = NULL, closed_at = ?
     WHERE event = ? AND slot = ? AND account_id = ? AND state = 'open'`,
    as,
    reason,
    nowMs,
    event,
    slot,
    accountId,
  );
}

/** A settlement that did not work this time. */
export function rescheduleSettlement(
  database: Database,
  accountId: AccountId,
  { event, slot }: { readonly event: number; readonly slot: string },
  { dueAtMs, reason }: { dueAtMs: number; reason: string },
): void {
  database.run(
    `UPDATE settlements SET attempts = attempts + 1, due_at = ?, reason = ?
     WHERE event = ? AND slot = ? AND account_id = ? AND due_at IS NOT NULL`,
    dueAtMs,
    reason,
    event,
    slot,
    accountId,
  );
}

/** Where the settlement of a message stands. */
export function settlementStatus(database: Database, counts: EventCounts, nowMs: number): SettlementStatus {
  const none: SettlementStatus = { action: { kind: 'none' }, state: 'none', reason: null };
  if (counts.type !== SETTLED_TYPE) return none;
  const rows = rowsOf(database, counts.seq);
  const next = rows.find((row) => row.due_at !== null);
  if (next !== undefined) {
    const state = (next.due_at ?? 0) <= nowMs ? 'due' : 'waiting';
    return { action: actionOf(next.action), state, reason: next.reason };
  }
  const closed = rows.findLast((row) => row.state !== 'open');
  if (closed !== undefined && closed.state !== 'open') {
    const isOver = counts.open === 0 || closed.state === 'done';
    if (isOver) return { action: actionOf(closed.action), state: closed.state, reason: closed.reason };
  }
  const action = counts.open > 0 ? expectedAction(policyOf(database, counts.account_id)) : none.action;
  return action.kind === 'none' ? none : { action, state: 'waiting', reason: null };
}

/** What is done first when all goes well; else what is done when it does not. */
function expectedAction(policy: Policy | undefined): ServerAction {
  if (policy === undefined) return { kind: 'none' };
  const onDelivered = actionOf(policy.on_delivered);
  if (onDelivered.kind !== 'none') return onDelivered;
  return policy.delete_after_days === null ? actionOf(policy.on_failed) : { kind: 'delete' };
}

function policyOf(database: Database, id: AccountId): Policy | undefined {
  return database.get<Policy>(
    'SELECT on_delivered, on_failed, delete_after_days FROM accounts WHERE id = ?',
    id,
  );
}

/** The outstanding ones by their time, then the closed ones, the last one last. */
function rowsOf(database: Database, event: number): SettlementRow[] {
  return database.all<SettlementRow>(
    `SELECT slot, cause, action, state, due_at, reason FROM settlements WHERE event = ?
     ORDER BY due_at IS NULL, due_at, closed_at`,
    event,
  );
}

/** `settlementSteps` gives the action that is due at once first, if there is one, and then the deletion by age. */
function slotOf(step: SettlementStep, policy: Policy, taken: ReadonlySet<Slot>): Slot {
  if (step.cause === 'failed') return 'failed';
  return policy.on_delivered === 'none' || taken.has('delivered') ? 'expiry' : 'delivered';
}

function writeStep(database: Database, counts: EventCounts, slot: Slot, step: SettlementStep): void {
  const { cause, action, dueAt } = step;
  database.run(
    `INSERT OR REPLACE INTO settlements (event, slot, account_id, cause, action, state, due_at)
     VALUES (?, ?, ?, ?, ?, 'open', ?)`,
    counts.seq,
    slot,
    counts.account_id,
    cause,
    formatServerAction(action),
    dueAt.getTime(),
  );
}
