import { counterOf, type DeliveryState } from '../../delivery.ts';
import type { AccountId } from '../../identity.ts';
import type { Database } from '../database.ts';
import { refreshAccountDue } from './account-due.ts';
import { type EventCounts, settleEvent } from './settlements.ts';

/** What it takes to change the state of a delivery. */
export interface DeliveryKey {
  readonly seq: number;
  /** The row of its event. */
  readonly event: number;
  readonly state: DeliveryState;
}

/** Puts a delivery behind the gate of its webhook, which carries the time from now on. */
export function parkDelivery(database: Database, delivery: DeliveryKey, nowMs: number): void {
  database.run(
    `UPDATE deliveries SET state = 'parked', parked_at = ?, next_attempt_at = NULL, due_at = NULL,
       claim_token = NULL, claim_until = NULL WHERE seq = ?`,
    nowMs,
    delivery.seq,
  );
  countDeliveries(database, delivery.state, 'parked');
}

/** Ends a delivery; the account that has something to settle now, or null. */
export function endDelivery(
  database: Database,
  delivery: DeliveryKey,
  as: DeliveryState,
  nowMs: number,
): AccountId | null {
  database.run(
    `UPDATE deliveries SET state = ?, ended_at = ?, next_attempt_at = NULL, due_at = NULL, parked_at = NULL,
       claim_token = NULL, claim_until = NULL WHERE seq = ?`,
    as,
    nowMs,
    delivery.seq,
  );
  countDeliveries(database, delivery.state, as);
  return countInEvent(database, delivery.event, { from: delivery.state, to: as }, nowMs);
}

/** Ends a delivery whose webhook is gone, or that waited too long behind a gate. */
export function cancelDelivery(database: Database, delivery: DeliveryKey, nowMs: number): void {
  const settling = endDelivery(database, delivery, 'cancelled', nowMs);
  if (settling !== null) refreshAccountDue(database, settling);
}

/** Changes the counters of an event with the state of one delivery; whoever brings `open` to 0 writes the settlement. */
export function countInEvent(
  database: Database,
  event: number,
  change: { readonly from: DeliveryState | null; readonly to: DeliveryState },
  nowMs: number,
): AccountId | null {
  const from = counterOf(change.from);
  const to = counterOf(change.to);
  if (from === to) return null;
  const delta = (counter: typeof to) => (to === counter ? 1 : 0) - (from === counter ? 1 : 0);
  const counts = database.get<EventCounts>(
    `UPDATE events SET open = open + ?1, delivered = delivered + ?2, failed = failed + ?3,
       ended_at = CASE WHEN open + ?1 > 0 THEN NULL ELSE ?4 END
     WHERE seq = ?5 RETURNING seq, type, account_id, open, delivered, failed`,
    delta('open'),
    delta('delivered'),
    delta('failed'),
    nowMs,
    event,
  );
  if (counts === undefined) return null;
  return settleEvent(database, counts, nowMs) ? counts.account_id : null;
}

/**
 * Counts deliveries by state as they change, because counting millions of rows would hold everything up. Part of every
 * write that makes, changes or deletes deliveries; null stands for "not there".
 */
export function countDeliveries(
  database: Database,
  from: DeliveryState | null,
  to: DeliveryState | null,
  count = 1,
): void {
  if (from === to || count === 0) return;
  if (from !== null)
    database.run('UPDATE delivery_counts SET count = count - ? WHERE state = ?', count, from);
  if (to !== null) database.run('UPDATE delivery_counts SET count = count + ? WHERE state = ?', count, to);
}
