import type { AccountId, DeliveryRef, EventId, WebhookId } from '../../identity.ts';
import type { Store, WorkRef } from '../../ports/store.ts';
import type { Database } from '../database.ts';
import { HINT_MS, type StoreContext } from './context.ts';

interface Due {
  readonly dueAt: number;
  readonly work: WorkRef;
  /** Moves the due time on, so that nobody else finds it meanwhile. */
  readonly moveOn: (toMs: number) => void;
}

/** What the tick asks for. */
export function createWork({ database, writer }: StoreContext): Pick<Store, 'dueWork'> {
  return {
    async dueWork(now, limit) {
      const nowMs = now.getTime();
      // Most ticks find nothing, and a write costs a commit.
      if (dueSoonest(database, nowMs, 1).length === 0) return [];
      return await writer.write(() => {
        const due = dueSoonest(database, nowMs, limit);
        for (const { moveOn } of due) moveOn(nowMs + HINT_MS);
        return due.map(({ work }) => work);
      });
    },
  };
}

function dueSoonest(database: Database, nowMs: number, limit: number): Due[] {
  return [
    ...dueAccounts(database, nowMs, limit),
    ...dueWebhooks(database, nowMs, limit),
    ...dueDeliveries(database, nowMs, limit),
  ]
    .sort((a, b) => a.dueAt - b.dueAt)
    .slice(0, limit);
}

function dueAccounts(database: Database, nowMs: number, limit: number): Due[] {
  const rows = database.all<{ id: AccountId; host: string; due_at: number }>(
    `SELECT id, host, due_at FROM accounts
     WHERE due_at <= ?1 AND (lease_until IS NULL OR lease_until <= ?1) ORDER BY due_at LIMIT ?2`,
    nowMs,
    limit,
  );
  return rows.map(({ id, host, due_at }) => ({
    dueAt: due_at,
    work: { kind: 'account', id, host },
    moveOn: (toMs) =>
      database.run('UPDATE accounts SET hinted_until = ?1, due_at = ?1 WHERE id = ?2', toMs, id),
  }));
}

function dueWebhooks(database: Database, nowMs: number, limit: number): Due[] {
  const rows = database.all<{ id: WebhookId; release_count: number; due_at: number }>(
    'SELECT id, release_count, due_at FROM webhooks WHERE due_at <= ? ORDER BY due_at LIMIT ?',
    nowMs,
    limit,
  );
  return rows.map(({ id, release_count, due_at }) => ({
    dueAt: due_at,
    work: { kind: 'webhook', id, release: release_count },
    moveOn: (toMs) => database.run('UPDATE webhooks SET due_at = ? WHERE id = ?', toMs, id),
  }));
}

function dueDeliveries(database: Database, nowMs: number, limit: number): Due[] {
  const rows = database.all<{ seq: number; event_id: EventId; webhook_id: WebhookId; due_at: number }>(
    `SELECT d.seq, e.id AS event_id, d.webhook_id, d.due_at
     FROM deliveries d JOIN events e ON e.seq = d.event
     WHERE d.due_at <= ?1 AND (d.claim_until IS NULL OR d.claim_until <= ?1) ORDER BY d.due_at LIMIT ?2`,
    nowMs,
    limit,
  );
  return rows.map(({ seq, event_id, webhook_id, due_at }) => {
    const ref: DeliveryRef = { eventId: event_id, webhookId: webhook_id };
    return {
      dueAt: due_at,
      work: { kind: 'delivery', ref },
      moveOn: (toMs) => database.run('UPDATE deliveries SET due_at = ? WHERE seq = ?', toMs, seq),
    };
  });
}

/** At the start of the process: nothing is on its way any more, so what was handed out or taken is due now. */
export function resetWork(database: Database): void {
  database.run(
    `UPDATE deliveries SET due_at = next_attempt_at, claim_token = NULL, claim_until = NULL
     WHERE due_at IS NOT NULL AND (due_at <> next_attempt_at OR claim_token IS NOT NULL)`,
  );
  database.run('UPDATE webhooks SET due_at = coalesce(gate_until, 0) WHERE due_at IS NOT NULL');
}
