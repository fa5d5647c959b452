import type { WebhookId } from '../../identity.ts';
import type { Database } from '../database.ts';
import type { WebhookRow } from './webhook-row.ts';

/** Whether no delivery may leave for the webhook at this time. */
export function isGateClosed(webhook: Pick<WebhookRow, 'state' | 'gate_until'>, nowMs: number): boolean {
  return webhook.state === 'disabled' || (webhook.gate_until ?? 0) > nowMs;
}

/**
 * Closes the gate until a time, or longer where it is closed longer already. Whatever was released before, the first one
 * after it goes alone again.
 */
export function closeGate(database: Database, id: WebhookId, untilMs: number, nowMs: number): void {
  database.run(
    'UPDATE webhooks SET gate_until = max(coalesce(gate_until, 0), ?), release_count = 1 WHERE id = ?',
    untilMs,
    id,
  );
  refreshGateDue(database, id, nowMs);
}

/** Lets deliveries leave again, the parked ones one by one at first. */
export function openGate(database: Database, id: WebhookId, nowMs: number): void {
  database.run('UPDATE webhooks SET gate_until = NULL, release_count = 1 WHERE id = ?', id);
  refreshGateDue(database, id, nowMs);
}

/**
 * The one due time of all deliveries parked behind a gate: when it opens, now when it is open; none while the webhook is
 * disabled, or when nothing is parked.
 */
export function refreshGateDue(database: Database, id: WebhookId, nowMs: number): void {
  database.run(
    `UPDATE webhooks SET due_at = CASE WHEN state = 'enabled' AND EXISTS (
       SELECT 1 FROM deliveries WHERE state = 'parked' AND state <> 'delivered' AND webhook_id = webhooks.id
     ) THEN max(coalesce(gate_until, 0), ?) END WHERE id = ?`,
    nowMs,
    id,
  );
}
