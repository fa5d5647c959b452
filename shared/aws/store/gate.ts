import type { WebhookId } from '../../identity.ts';
import { assign } from './assign.ts';
import { INDEX_LAG_MS, isoOf } from './context.ts';
import { duePartition } from './index-keys.ts';
import { webhookKey } from './keys.ts';
import type { Table } from './requests.ts';
import type { StoredWebhook } from './webhook-item.ts';
import { update } from './writes.ts';

/**
 * The one due time of all deliveries parked behind a gate. A webhook is due when its gate opens, whether or not anything is
 * parked by then: the tick finds out from the index, which lags. So whoever parks first moves a guard on, and until it ends
 * the tick does not take a webhook out of what is due:
 *
 *     gate closes            parked                  gate opens                            guard ends
 *         |── due at its end ───|── guard ──────────────|── due, looked at again and again ────|── out of what is due
 */
const PARK_GUARD_MS = INDEX_LAG_MS;
/** The guard is moved on when less than this is left of it: one write for all that is parked in ten minutes. */
const GUARD_LEFT_MS = PARK_GUARD_MS / 3;

const IS_THERE = 'attribute_exists(pk)';
const IS_ENABLED = 'webhookState = :enabled';
const OPENS_EARLIER = '(attribute_not_exists(gateUntil) OR gateUntil < :gateUntil)';

/**
 * Closes the gate until a time, or leaves it where it is closed longer already. Whatever was released before, the first one
 * after it goes alone again.
 */
export async function closeGate(table: Table, id: WebhookId, until: Date): Promise<void> {
  const key = webhookKey(id);
  const at = until.toISOString();
  const closed = await update(table, {
    key,
    update: 'SET gateUntil = :gateUntil, releaseCount = :one, gsi1pk = :due, gsi1sk = :gateUntil',
    condition: `${IS_ENABLED} AND ${OPENS_EARLIER}`,
    values: { ':gateUntil': at, ':one': 1, ':due': duePartition(), ':enabled': 'enabled' },
  });
  if (closed.ok || closed.item === null) return;
  await update(table, {
    key,
    update: 'SET releaseCount = :one, gateUntil = if_not_exists(gateUntil, :gateUntil)',
    condition: IS_THERE,
    values: { ':one': 1, ':gateUntil': at },
  });
}

/** Disables the webhook for this reason; nothing is due of it until its owner enables it. */
export async function disableWebhook(table: Table, id: WebhookId, reason: string, now: Date): Promise<void> {
  const { update: expression, values } = assign({
    ...{ webhookState: 'disabled', stateReason: reason, gateUntil: null, gsi1pk: null, gsi1sk: null },
    parkGuardUntil: isoOf(now.getTime() + PARK_GUARD_MS),
  });
  await update(table, { key: webhookKey(id), update: expression, condition: IS_THERE, values });
}

/** To be called before deliveries are parked behind a closed gate, with the webhook as it was just read. */
export async function guardParked(table: Table, webhook: StoredWebhook, now: Date): Promise<void> {
  const left = webhook.parkGuardUntil === null ? 0 : Date.parse(webhook.parkGuardUntil) - now.getTime();
  const isDue = webhook.state === 'disabled' || webhook.dueAt !== null;
  if (isDue && left >= GUARD_LEFT_MS) return;
  const guard = isoOf(now.getTime() + PARK_GUARD_MS);
  const key = webhookKey(webhook.id);
  if (webhook.state === 'disabled') {
    await update(table, {
      key,
      update: 'SET parkGuardUntil = :guard',
      condition: IS_THERE,
      values: { ':guard': guard },
    });
    return;
  }
  await update(table, {
    key,
    update: 'SET parkGuardUntil = :guard, gsi1pk = :due, gsi1sk = if_not_exists(gsi1sk, :gateEnd)',
    condition: IS_ENABLED,
    values: {
      ...{ ':guard': guard, ':due': duePartition(), ':enabled': 'enabled' },
      ':gateEnd': webhook.gateUntil ?? now.toISOString(),
    },
  });
}

/** What makes the parked deliveries of a webhook due that is enabled: the gate is open, and they go one by one at first. */
export function openedGate(now: Date): Readonly<Record<string, string | number | null>> {
  return {
    ...{ gateUntil: null, releaseCount: 1, gsi1pk: duePartition(), gsi1sk: now.toISOString() },
    // One that was parked at the same moment may not be in the index yet.
    parkGuardUntil: isoOf(now.getTime() + PARK_GUARD_MS),
  };
}

/** What closes the gate of a webhook that is disabled. */
export const CLOSED_GATE = { gsi1pk: null, gsi1sk: null } as const;
