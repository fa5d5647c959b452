import type { Trigger } from '../../delivery.ts';
import type { AccountId, DeliveryRef } from '../../identity.ts';
import { deliveryIdOf } from '../../identity.ts';
import type { BlobRef } from '../../ports/blobs.ts';
import type { Claim, Store } from '../../ports/store.ts';
import type { Webhook } from '../../webhook.ts';
import { type Assignable, assign } from './assign.ts';
import { mapAtOnce } from './at-once.ts';
import { cancelDelivery } from './cancel.ts';
import { AT_ONCE, isoOf, type StoreContext } from './context.ts';
import { CountChanges } from './delivery-counts.ts';
import { parkedAttributes, stateOf } from './delivery-item.ts';
import { guardParked } from './gate.ts';
import { deliveryKey } from './keys.ts';
import { type Item, number, text, textOrNull } from './marshal.ts';
import { createOwners } from './owners.ts';
import { isGateClosed, readWebhooks, webhookOf } from './webhook-item.ts';
import { update, type Written } from './writes.ts';

/** A delivery that is due so soon is taken: the clock of who gave the hint may be a little ahead. */
const EARLY_MS = 1_000;

/**
 *     nextAttemptAt          claim                    claimUntil
 *          |── claimable ─────|── taken ───────────────────|── claimable, unless finish() came ──>
 */
const PENDING = 'itemState = :pending';
const DUE = 'nextAttemptAt <= :soon';
const NOT_TAKEN = '(attribute_not_exists(claimUntil) OR claimUntil <= :now)';
const CLAIMABLE = `${PENDING} AND ${DUE} AND ${NOT_TAKEN}`;

interface Taking {
  readonly token: string;
  readonly now: Date;
  readonly until: string;
}

/** How deliveries are taken for an attempt. */
export function createClaims(context: StoreContext): Pick<Store, 'claim'> {
  return {
    async claim(refs, now, ttlMs) {
      const distinct = [...new Map(refs.map((ref) => [deliveryIdOf(ref), ref])).values()];
      // One token for all: what it protects is each delivery by itself.
      const taking = { token: context.newToken(), now, until: isoOf(now.getTime() + ttlMs) };
      const webhooks = await readWebhooks(context, [...new Set(distinct.map(({ webhookId }) => webhookId))]);
      for (const webhook of webhooks.values()) {
        if (isGateClosed(webhook, now)) await guardParked(context, webhook, now);
      }
      const shared = { owners: createOwners(context), counts: new CountChanges() };
      const claims = await mapAtOnce(distinct, AT_ONCE, async (ref) => {
        const webhook = webhooks.get(ref.webhookId);
        if (webhook === undefined) {
          await cancelDelivery(context, shared, ref, { now, isWanted: (item) => isClaimable(item, now) });
          return null;
        }
        if (isGateClosed(webhook, now)) {
          await park(context, ref, now);
          return null;
        }
        return await take(context, ref, webhookOf(webhook, now), taking);
      });
      await shared.counts.save(context);
      return claims.filter((claim) => claim !== null);
    },
  };
}

/** The same as the condition. */
function isClaimable(item: Item, now: Date): boolean {
  const at = now.toISOString();
  const { soon } = timesOf(now);
  if (stateOf(item) !== 'pending' || text(item, 'nextAttemptAt') > soon) return false;
  return (textOrNull(item, 'claimUntil') ?? '') <= at;
}

function timesOf(now: Date): { readonly soon: string; readonly at: string } {
  return { soon: isoOf(now.getTime() + EARLY_MS), at: now.toISOString() };
}

async function changeClaimable(
  context: StoreContext,
  ref: DeliveryRef,
  now: Date,
  attributes: Assignable,
  /** Given where there is none yet. */
  initial: Readonly<Record<string, string>> = {},
): Promise<Written> {
  const { update: expression, values } = assign(attributes, {}, initial);
  const { soon, at } = timesOf(now);
  return await update(context, {
    ...{ key: deliveryKey(ref), update: expression, condition: CLAIMABLE },
    values: { ...values, ':pending': 'pending', ':soon': soon, ':now': at },
  });
}

async function park(context: StoreContext, ref: DeliveryRef, now: Date): Promise<void> {
  await changeClaimable(context, ref, now, parkedAttributes(ref.webhookId, now.toISOString()));
}

async function take(
  context: StoreContext,
  ref: DeliveryRef,
  webhook: Webhook,
  { token, now, until }: Taking,
): Promise<Claim | null> {
  const taken = await changeClaimable(
    context,
    ref,
    now,
    { claimToken: token, claimUntil: until },
    { attachments: webhook.attachments },
  );
  // Refused, but taken by this very call: its answer was lost, and the client sent it again.
  const isOwn = taken.ok || (taken.item !== null && textOrNull(taken.item, 'claimToken') === token);
  return isOwn && taken.item !== null ? claimOf(ref, token, webhook, taken.item) : null;
}

function claimOf(ref: DeliveryRef, token: string, webhook: Webhook, item: Item): Claim {
  const reduced = textOrNull(item, 'reducedBody');
  const frozen = reduced ?? textOrNull(item, 'frozenBody');
  return {
    ref,
    token,
    accountId: text(item, 'accountId') as AccountId,
    attemptCount: number(item, 'attemptCount'),
    trigger: text(item, 'attemptTrigger') as Trigger,
    eventType: text(item, 'eventType'),
    webhook,
    attachments: text(item, 'attachments') as Claim['attachments'],
    body: (frozen ?? text(item, 'eventBody')) as BlobRef,
    frozen: frozen !== null,
    reduced: reduced !== null,
  };
}
