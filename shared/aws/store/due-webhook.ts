import type { WebhookId } from '../../identity.ts';
import { type Assignable, assign } from './assign.ts';
import { HINT_MS, isoOf, type StoreContext } from './context.ts';
import { dueAttributes } from './delivery-item.ts';
import type { Due } from './due-work.ts';
import { webhookKey } from './keys.ts';
import { type Item, text } from './marshal.ts';
import { emptyAt, parkedOf } from './release-parked.ts';
import { isGateClosed, readWebhook, type StoredWebhook } from './webhook-item.ts';
import { update } from './writes.ts';

const AS_SEEN = 'gsi1sk = :seen AND webhookState = :enabled';
const SAME_GUARD = 'parkGuardUntil = :guard';
const NO_GUARD = 'attribute_not_exists(parkGuardUntil)';

/** A webhook whose gate has opened with deliveries parked behind it; null when none are, or it is not due after all. */
export async function findParked(context: StoreContext, item: Item, now: Date): Promise<Due | null> {
  const webhook = await readWebhook(context, text(item, 'pk').slice(2) as WebhookId);
  const dueAt = text(item, 'gsi1sk');
  if (webhook === null || webhook.dueAt !== dueAt) return null;
  if (isGateClosed(webhook, now)) {
    await move(context, webhook, dueAttributes(webhook.gateUntil ?? dueAt));
    return null;
  }
  const [parked] = await parkedOf(context, webhook.id, 1);
  if (parked === undefined) {
    await move(context, webhook, emptyAt(webhook, now));
    return null;
  }
  const isOurs = await move(context, webhook, dueAttributes(isoOf(now.getTime() + HINT_MS)));
  if (!isOurs) return null;
  return { dueAt, work: { kind: 'webhook', id: webhook.id, release: webhook.releaseCount } };
}

/** Refused when the gate was closed or opened meanwhile, something was parked, or another tick was here. */
async function move(context: StoreContext, webhook: StoredWebhook, to: Assignable): Promise<boolean> {
  const { update: expression, values } = assign(to);
  const guard = webhook.parkGuardUntil;
  const moved = await update(context, {
    ...{ key: webhookKey(webhook.id), update: expression },
    condition: `${AS_SEEN} AND ${guard === null ? NO_GUARD : SAME_GUARD}`,
    values: {
      ...{ ...values, ':seen': webhook.dueAt ?? '', ':enabled': 'enabled' },
      ...(guard !== null && { ':guard': guard }),
    },
  });
  return moved.ok;
}
