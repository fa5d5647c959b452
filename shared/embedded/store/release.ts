import type { DeliveryRef, EventId, WebhookId } from '../../identity.ts';
import type { Store } from '../../ports/store.ts';
import type { Database } from '../database.ts';
import { HINT_MS, type StoreContext } from './context.ts';
import { countDeliveries } from './delivery-state.ts';
import { isGateClosed } from './gate.ts';
import { webhookRow } from './webhook-row.ts';

/** A webhook that has just come back gets 1, 2, 4, … of what waited for it, and at most so many at once. */
const MAX_RELEASE = 1_024;
/** The next ones follow this much later, so that a tick does not find the webhook twice. */
const NEXT_RELEASE_MS = 1_000;

/** How parked deliveries leave again. */
export function createRelease({ database, writer }: StoreContext): Pick<Store, 'releaseParked'> {
  return {
    releaseParked: (id, count, now) =>
      writer.write(() => releaseParked(database, id, Math.min(count, MAX_RELEASE), now.getTime())),
  };
}

function releaseParked(database: Database, id: WebhookId, count: number, nowMs: number): DeliveryRef[] {
  const webhook = webhookRow(database, id);
  if (webhook === undefined || isGateClosed(webhook, nowMs) || count < 1) return [];
  // One more than asked for, to know whether any are left.
  const parked = database.all<{ seq: number; event_id: EventId }>(
    `SELECT d.seq, e.id AS event_id FROM deliveries d JOIN events e ON e.seq = d.event
     WHERE d.state = 'parked' AND d.state <> 'delivered' AND d.webhook_id = ? ORDER BY d.created_at, d.seq LIMIT ?`,
    id,
    count + 1,
  );
  const released = parked.slice(0, count);
  for (const { seq } of released) {
    database.run(
      `UPDATE deliveries SET state = 'pending', parked_at = NULL, next_attempt_at = ?, due_at = ? WHERE seq = ?`,
      nowMs,
      nowMs + HINT_MS,
      seq,
    );
  }
  countDeliveries(database, 'parked', 'pending', released.length);
  database.run(
    'UPDATE webhooks SET release_count = ?, due_at = ? WHERE id = ?',
    Math.min(MAX_RELEASE, count * 2),
    parked.length > count ? nowMs + NEXT_RELEASE_MS : null,
    id,
  );
  return released.map(({ event_id }) => ({ eventId: event_id, webhookId: id }));
}
