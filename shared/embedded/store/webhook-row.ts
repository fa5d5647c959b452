import type { AccountId, WebhookId } from '../../identity.ts';
import type { Sealed } from '../../ports/vault.ts';
import type { Gate, Webhook, WebhookSecret } from '../../webhook.ts';
import type { Database } from '../database.ts';
import { isoOf } from './context.ts';

/** A row of `webhooks`. */
export interface WebhookRow {
  readonly seq: number;
  readonly id: WebhookId;
  readonly name: string;
  readonly url: string;
  readonly accounts: string | null;
  readonly events: string;
  readonly attachments: Webhook['attachments'];
  readonly timeout_seconds: number;
  readonly secrets: string;
  readonly headers: Sealed | null;
  readonly header_names: string;
  readonly state: Webhook['state'];
  readonly reason: string | null;
  readonly gate_until: number | null;
  readonly release_count: number;
  readonly last_success_at: number | null;
  readonly created_at: string;
}

/** The row of a webhook; undefined when there is none. */
export function webhookRow(database: Database, id: WebhookId): WebhookRow | undefined {
  return database.get<WebhookRow>('SELECT * FROM webhooks WHERE id = ?', id);
}

/** The webhook of a row; its gate is that of the given time, in ms since 1970. */
export function webhookOf(row: WebhookRow, nowMs: number): Webhook {
  return {
    id: row.id,
    name: row.name,
    url: row.url,
    accounts: row.accounts === null ? null : (JSON.parse(row.accounts) as AccountId[]),
    events: JSON.parse(row.events) as string[],
    attachments: row.attachments,
    timeoutSeconds: row.timeout_seconds,
    secrets: JSON.parse(row.secrets) as WebhookSecret[],
    headers: row.headers,
    headerNames: JSON.parse(row.header_names) as string[],
    state: row.state,
    reason: row.reason,
    gate: gateOf(row, nowMs),
    lastSuccessAt: isoOf(row.last_success_at),
    createdAt: row.created_at,
  };
}

function gateOf(row: WebhookRow, nowMs: number): Gate | null {
  if (row.state === 'disabled') return { reason: 'disabled', until: null };
  if (row.gate_until === null || row.gate_until <= nowMs) return null;
  return { reason: 'retry-after', until: isoOf(row.gate_until) };
}
