import type { SQLInputValue } from 'node:sqlite';
import type { WebhookId } from '../../identity.ts';
import type { PageRequest } from '../../ports/lists.ts';
import type { Store } from '../../ports/store.ts';
import { takesEvent, type Webhook } from '../../webhook.ts';
import type { Database } from '../database.ts';
import { msOf, nameKeyOf, type StoreContext } from './context.ts';
import { cancelDelivery, type DeliveryKey } from './delivery-state.ts';
import { openGate, refreshGateDue } from './gate.ts';
import { cursorOf, limitOf, placeOf } from './paging.ts';
import { type WebhookRow, webhookOf, webhookRow } from './webhook-row.ts';

type Webhooks = Pick<
  Store,
  | 'subscribers'
  | 'createWebhook'
  | 'webhook'
  | 'webhookByName'
  | 'webhooks'
  | 'updateWebhook'
  | 'removeWebhook'
  | 'pendingOf'
>;

/** Deliveries cancelled in one write: few enough not to hold up the others in its commit. */
const SLICE_DELIVERIES = 100;

/** The registry of webhooks. */
export function createWebhooks(context: StoreContext): Webhooks {
  const { database, writer, clock } = context;
  const shown = (row: WebhookRow | undefined) =>
    row === undefined ? null : webhookOf(row, clock.now().getTime());
  return {
    async subscribers(id, eventType) {
      const rows = database.all<{ id: WebhookId; events: string }>(
        `SELECT id, events FROM webhooks INDEXED BY webhooks_all WHERE accounts IS NULL
         UNION ALL
         SELECT w.id, w.events FROM selections s JOIN webhooks w ON w.id = s.webhook_id WHERE s.account_id = ?`,
        id,
      );
      const takers = rows.filter(({ events }) => takesEvent(JSON.parse(events) as string[], eventType));
      return takers.map((row) => row.id);
    },
    createWebhook: (webhook) => writer.write(() => insertWebhook(database, webhook)),
    async webhook(id) {
      return shown(webhookRow(database, id));
    },
    async webhookByName(name) {
      return shown(database.get<WebhookRow>('SELECT * FROM webhooks WHERE name_key = ?', nameKeyOf(name)));
    },
    async webhooks(page) {
      return webhookPage(database, page, clock.now().getTime());
    },
    updateWebhook: (id, change, now) =>
      writer.write(() => updateWebhook(database, id, change, now.getTime())),
    async removeWebhook(id, now) {
      const removed = await writer.write(() => {
        database.run('DELETE FROM selections WHERE webhook_id = ?', id);
        return database.run('DELETE FROM webhooks WHERE id = ?', id) > 0;
      });
      if (!removed) return 'gone';
      await cancelOpenDeliveries(context, id, now.getTime());
      return 'ok';
    },
    async pendingOf(ids) {
      const count = (id: WebhookId, state: 'pending' | 'parked') =>
        database.get<{ count: number }>(
          `SELECT count(*) AS count FROM deliveries INDEXED BY deliveries_state
           WHERE state = ? AND state <> 'delivered' AND webhook_id = ?`,
          state,
          id,
        )?.count ?? 0;
      return new Map(ids.map((id) => [id, count(id, 'pending') + count(id, 'parked')]));
    },
  };
}

/** Cancels, slice by slice, the open deliveries of a webhook that is gone; ends early when `goOn` says so. */
export async function cancelOpenDeliveries(
  { database, writer }: StoreContext,
  id: WebhookId,
  nowMs: number,
  goOn: () => boolean = () => true,
): Promise<void> {
  let cancelled: number;
  do {
    cancelled = await writer.write(() => {
      const rows = database.all<DeliveryKey>(
        `SELECT seq, event, state FROM deliveries INDEXED BY deliveries_state
         WHERE state IN ('pending', 'parked') AND state <> 'delivered' AND webhook_id = ? LIMIT ?`,
        id,
        SLICE_DELIVERIES,
      );
      for (const row of rows) cancelDelivery(database, row, nowMs);
      return rows.length;
    });
  } while (cancelled === SLICE_DELIVERIES && goOn());
}

function webhookPage(
  database: Database,
  page: PageRequest,
  nowMs: number,
): Awaited<ReturnType<Store['webhooks']>> {
  const limit = limitOf(page);
  const rows = database.all<WebhookRow>(
    'SELECT * FROM webhooks WHERE seq > ? ORDER BY seq LIMIT ?',
    placeOf('w', page.after)?.seq ?? 0,
    limit + 1,
  );
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return {
    data: shown.map((row) => webhookOf(row, nowMs)),
    next: more ? cursorOf('w', { timeMs: 0, seq: last.seq }) : null,
  };
}

function insertWebhook(database: Database, webhook: Webhook): 'ok' | 'name-taken' {
  if (isNameTaken(database, webhook.name, null)) return 'name-taken';
  const columns = {
    ...webhookColumns(webhook),
    id: webhook.id,
    gate_until: msOf(webhook.gate?.until ?? null),
    last_success_at: msOf(webhook.lastSuccessAt),
    created_at: webhook.createdAt,
  };
  const names = Object.keys(columns);
  database.run(
    `INSERT INTO webhooks (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    ...Object.values(columns),
  );
  saveSelections(database, webhook);
  return 'ok';
}

function updateWebhook(
  database: Database,
  id: WebhookId,
  change: Parameters<Store['updateWebhook']>[1],
  nowMs: number,
): Webhook | 'gone' | 'name-taken' {
  const before = webhookRow(database, id);
  if (before === undefined) return 'gone';
  const reason = change.state === undefined ? before.reason : null;
  const webhook: Webhook = { ...webhookOf(before, nowMs), reason, ...change };
  if (isNameTaken(database, webhook.name, id)) return 'name-taken';
  const columns = webhookColumns(webhook);
  const assignments = Object.keys(columns).map((name) => `${name} = ?`);
  database.run(`UPDATE webhooks SET ${assignments.join(', ')} WHERE id = ?`, ...Object.values(columns), id);
  saveSelections(database, webhook);
  if (change.state === 'enabled') openGate(database, id, nowMs);
  if (change.state === 'disabled') refreshGateDue(database, id, nowMs);
  const after = webhookRow(database, id);
  return after === undefined ? 'gone' : webhookOf(after, nowMs);
}

function isNameTaken(database: Database, name: string, self: WebhookId | null): boolean {
  const rival = database.get(
    'SELECT 1 FROM webhooks WHERE name_key = ? AND id IS NOT ?',
    nameKeyOf(name),
    self,
  );
  return rival !== undefined;
}

function webhookColumns(webhook: Webhook): Record<string, SQLInputValue> {
  return {
    name: webhook.name,
    name_key: nameKeyOf(webhook.name),
    url: webhook.url,
    accounts: webhook.accounts === null ? null : JSON.stringify(webhook.accounts),
    events: JSON.stringify(webhook.events),
    attachments: webhook.attachments,
    timeout_seconds: webhook.timeoutSeconds,
    secrets: JSON.stringify(webhook.secrets),
    headers: webhook.headers,
    header_names: JSON.stringify(webhook.headerNames),
    state: webhook.state,
    reason: webhook.reason,
  };
}

/** The selected accounts once more, each in a row of its own, to be found by account. */
function saveSelections(database: Database, { id, accounts }: Webhook): void {
  database.run('DELETE FROM selections WHERE webhook_id = ?', id);
  for (const account of new Set(accounts)) {
    database.run('INSERT INTO selections (account_id, webhook_id) VALUES (?, ?)', account, id);
  }
}
