import { randomUUID } from 'node:crypto';
import type { Trigger } from '../../delivery.ts';
import type { AccountId, DeliveryRef } from '../../identity.ts';
import type { BlobRef } from '../../ports/blobs.ts';
import type { Claim, Store } from '../../ports/store.ts';
import type { Webhook } from '../../webhook.ts';
import type { Database } from '../database.ts';
import type { StoreContext } from './context.ts';
import { cancelDelivery, type DeliveryKey, parkDelivery } from './delivery-state.ts';
import { isGateClosed, refreshGateDue } from './gate.ts';
import { webhookOf, webhookRow } from './webhook-row.ts';

/** A delivery that is due so soon is taken: the clock of who gave the hint may be a little ahead. */
const EARLY_MS = 1_000;

interface ClaimRow extends DeliveryKey {
  readonly trigger: Trigger;
  readonly attempt_count: number;
  readonly body: BlobRef | null;
  readonly reduced: number;
  readonly attachments: Webhook['attachments'] | null;
  readonly event_body: BlobRef;
  readonly event_type: string;
  readonly account_id: AccountId;
}

interface ClaimTime {
  readonly token: string;
  readonly nowMs: number;
  readonly untilMs: number;
}

/** How deliveries are taken for an attempt. */
export function createClaims({ database, writer }: StoreContext): Pick<Store, 'claim'> {
  return {
    claim(refs, now, ttlMs) {
      if (refs.length === 0) return Promise.resolve([]);
      // One token for all: what it protects is each delivery by itself.
      const time = { token: randomUUID(), nowMs: now.getTime(), untilMs: now.getTime() + ttlMs };
      return writer.write(() => claim(database, refs, time));
    },
  };
}

function claim(database: Database, refs: readonly DeliveryRef[], time: ClaimTime): Claim[] {
  const webhooks = new Map<DeliveryRef['webhookId'], ReturnType<typeof webhookRow>>();
  const claims: Claim[] = [];
  for (const ref of refs) {
    const row = claimableRow(database, ref, time.nowMs);
    if (row === undefined) continue;
    if (!webhooks.has(ref.webhookId)) webhooks.set(ref.webhookId, webhookRow(database, ref.webhookId));
    const webhook = webhooks.get(ref.webhookId);
    if (webhook === undefined) cancelDelivery(database, row, time.nowMs);
    else if (isGateClosed(webhook, time.nowMs)) parkDelivery(database, row, time.nowMs);
    else claims.push(take(database, ref, row, webhookOf(webhook, time.nowMs), time));
  }
  for (const [id, webhook] of webhooks) {
    if (webhook !== undefined && isGateClosed(webhook, time.nowMs)) refreshGateDue(database, id, time.nowMs);
  }
  return claims;
}

/** The delivery if it is pending, due and not taken. */
function claimableRow(database: Database, ref: DeliveryRef, nowMs: number): ClaimRow | undefined {
  return database.get<ClaimRow>(
    `SELECT d.seq, d.event, d.state, d.trigger, d.attempt_count, d.body, d.reduced, d.attachments,
       e.body AS event_body, e.type AS event_type, e.account_id
     FROM events e JOIN deliveries d ON d.event = e.seq AND d.webhook_id = ?2
     WHERE e.id = ?1 AND d.state = 'pending' AND d.next_attempt_at <= ?3
       AND (d.claim_until IS NULL OR d.claim_until <= ?4)`,
    ref.eventId,
    ref.webhookId,
    nowMs + EARLY_MS,
    nowMs,
  );
}

function take(
  database: Database,
  ref: DeliveryRef,
  row: ClaimRow,
  webhook: Webhook,
  { token, untilMs }: ClaimTime,
): Claim {
  const attachments = row.attachments ?? webhook.attachments;
  database.run(
    'UPDATE deliveries SET claim_token = ?, claim_until = ?, attachments = ? WHERE seq = ?',
    token,
    untilMs,
    attachments,
    row.seq,
  );
  return {
    ref,
    token,
    accountId: row.account_id,
    attemptCount: row.attempt_count,
    trigger: row.trigger,
    eventType: row.event_type,
    webhook,
    attachments,
    body: row.body ?? row.event_body,
    frozen: row.body !== null,
    reduced: row.reduced !== 0,
  };
}
