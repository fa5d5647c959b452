import type { WebhookId } from '../../identity.ts';
import type { Gate, Webhook } from '../../webhook.ts';
import { webhookKey } from './keys.ts';
import { attributes, type Item, json, number, numberOr, text, textOrNull } from './marshal.ts';
import { getItem, getItems, type Table } from './requests.ts';

/** What only the owner changes of a webhook. */
type WebhookDocument = Omit<Webhook, 'id' | 'state' | 'reason' | 'gate' | 'lastSuccessAt'>;

/** A webhook as it is stored. */
export interface StoredWebhook extends WebhookDocument {
  readonly id: WebhookId;
  readonly state: Webhook['state'];
  readonly reason: string | null;
  readonly gateUntil: string | null;
  /** So many parked deliveries are released next. */
  readonly releaseCount: number;
  readonly lastSuccessAt: string | null;
  /** Until then something may be parked that the index does not show yet. */
  readonly parkGuardUntil: string | null;
  /** When the tick is to look at it; null while it is not due at any time. */
  readonly dueAt: string | null;
  /** The sort key of its place in the list of webhooks. */
  readonly place: string;
  /** Grows with each change of what the owner decides. */
  readonly revision: number;
}

/** What only the owner changes of a webhook. */
export function webhookDocument(webhook: Webhook): string {
  const { id, state, reason, gate, lastSuccessAt, ...document } = webhook;
  return JSON.stringify(document);
}

/** The item of a new webhook. */
export function webhookItem(webhook: Webhook, place: string): Item {
  return attributes({
    ...webhookKey(webhook.id),
    webhook: webhookDocument(webhook),
    webhookState: webhook.state,
    stateReason: webhook.reason,
    gateUntil: webhook.gate?.until ?? null,
    lastSuccessAt: webhook.lastSuccessAt,
    place,
    revision: 1,
  });
}

/** The webhook of an item. */
function storedWebhook(item: Item): StoredWebhook {
  const document = json<WebhookDocument>(item, 'webhook');
  return {
    ...document,
    // Undefined in webhooks from before there was a choice.
    attachments: document.attachments ?? 'link',
    id: text(item, 'pk').slice(2) as WebhookId,
    state: text(item, 'webhookState') as Webhook['state'],
    reason: textOrNull(item, 'stateReason'),
    gateUntil: textOrNull(item, 'gateUntil'),
    releaseCount: numberOr(item, 'releaseCount', 1),
    lastSuccessAt: textOrNull(item, 'lastSuccessAt'),
    parkGuardUntil: textOrNull(item, 'parkGuardUntil'),
    dueAt: textOrNull(item, 'gsi1sk'),
    place: text(item, 'place'),
    revision: number(item, 'revision'),
  };
}

/** The webhook as the domain has it; its gate is that of the given time. */
export function webhookOf(stored: StoredWebhook, now: Date): Webhook {
  const { gateUntil, releaseCount, parkGuardUntil, dueAt, place, revision, ...webhook } = stored;
  return { ...webhook, gate: gateOf(stored, now) };
}

function gateOf(webhook: StoredWebhook, now: Date): Gate | null {
  if (webhook.state === 'disabled') return { reason: 'disabled', until: null };
  return isGateClosed(webhook, now) ? { reason: 'retry-after', until: webhook.gateUntil } : null;
}

/** Whether no delivery may leave for the webhook at this time. */
export function isGateClosed(
  { state, gateUntil }: Pick<StoredWebhook, 'state' | 'gateUntil'>,
  now: Date,
): boolean {
  return state === 'disabled' || (gateUntil !== null && gateUntil > now.toISOString());
}

/** One webhook; null when it is not there. */
export async function readWebhook(table: Table, id: WebhookId): Promise<StoredWebhook | null> {
  const item = await getItem(table, webhookKey(id));
  return item && storedWebhook(item);
}

/** Webhooks by their ids; those that are not there are left out. */
export async function readWebhooks(
  table: Table,
  ids: readonly WebhookId[],
): Promise<ReadonlyMap<WebhookId, StoredWebhook>> {
  if (ids.length === 0) return new Map();
  const itemOf = await getItems(table, ids.map(webhookKey));
  return new Map(
    ids.flatMap((id) => {
      const item = itemOf(webhookKey(id));
      return item === null ? [] : [[id, storedWebhook(item)] as const];
    }),
  );
}
