import type { Attempt, Delivery } from '../../delivery.ts';
import { deliveryIdOf } from '../../identity.ts';
import { isoOf } from './context.ts';

/** A row of `deliveries` with what it takes from its event. */
export interface DeliveryRow {
  readonly seq: number;
  readonly event_id: Delivery['eventId'];
  readonly account_id: Delivery['accountId'];
  readonly webhook_id: Delivery['webhookId'];
  readonly state: Delivery['state'];
  readonly attempts: string | null;
  readonly attempt_count: number;
  readonly next_attempt_at: number | null;
  readonly body: Delivery['body'];
  readonly created_at: number;
  readonly ended_at: number | null;
}

/** Selects delivery rows; what follows says which. */
export const SELECT_DELIVERIES = `
SELECT d.seq, e.id AS event_id, e.account_id, d.webhook_id, d.state, d.attempts, d.attempt_count,
  d.next_attempt_at, d.body, d.created_at, d.ended_at
FROM deliveries d JOIN events e ON e.seq = d.event`;

/** The delivery of a row. */
export function deliveryOf(row: DeliveryRow): Delivery {
  return {
    id: deliveryIdOf({ eventId: row.event_id, webhookId: row.webhook_id }),
    eventId: row.event_id,
    webhookId: row.webhook_id,
    accountId: row.account_id,
    state: row.state,
    attempts: row.attempts === null ? [] : (JSON.parse(row.attempts) as Attempt[]),
    attemptCount: row.attempt_count,
    nextAttemptAt: isoOf(row.next_attempt_at),
    body: row.body,
    createdAt: isoOf(row.created_at),
    endedAt: isoOf(row.ended_at),
  };
}
