import type { Outcome } from '../../delivery.ts';
import { deliveryIdOf } from '../../identity.ts';
import type { Claim, Store } from '../../ports/store.ts';
import { type Assignable, assign } from './assign.ts';
import { mapAtOnce } from './at-once.ts';
import { AT_ONCE, type StoreContext } from './context.ts';
import { CountChanges } from './delivery-counts.ts';
import {
  attemptAttributes,
  changeIfSame,
  dueAttributes,
  endedAttributes,
  parkedAttributes,
  stateOf,
} from './delivery-item.ts';
import { changeDelivery } from './event-change.ts';
import { storedEvent } from './event-item.ts';
import { closeGate, disableWebhook } from './gate.ts';
import { deliveryKey, eventKey, webhookKey } from './keys.ts';
import { type Item, textOrNull } from './marshal.ts';
import { createOwners, type Owners } from './owners.ts';
import { getItem, getItems, type Table } from './requests.ts';
import { persist } from './retry.ts';
import { update, type Written } from './writes.ts';

/** How old the time of a webhook's last success may be: a busy webhook would be written with every delivery otherwise. */
const SUCCESS_AGE_MS = 30_000;

const HELD = 'itemState = :pending AND claimToken = :token';
const NEWER = 'attribute_exists(pk) AND (attribute_not_exists(lastSuccessAt) OR lastSuccessAt < :now)';

interface Done<Kind extends Outcome['kind'] = Outcome['kind']> {
  readonly claim: Claim;
  readonly outcome: Extract<Outcome, { kind: Kind }>;
}

interface Shared {
  readonly owners: Owners;
  readonly counts: CountChanges;
  readonly now: Date;
}

/** How attempts end. */
export function createFinish(context: StoreContext): Pick<Store, 'finish' | 'freeze'> {
  return {
    async freeze(claim, body) {
      const written = await changeHeld(context, claim, { frozenBody: body });
      // Refused, but frozen by this very call: its answer was lost, and the client sent it again.
      const isOwn = written.item !== null && isHeld(written.item, claim);
      return written.ok || (isOwn && textOrNull(written.item, 'frozenBody') === body) ? 'ok' : 'lost';
    },
    async finish(done, now) {
      const shared: Shared = {
        ...{ owners: createOwners(context), counts: new CountChanges(), now },
      };
      // Those of one event one after the other, because all change its counters; of one delivery too.
      const events = [...Map.groupBy(done, ({ claim }) => claim.ref.eventId).values()];
      await mapAtOnce(events, AT_ONCE, async (some) => {
        for (const one of some) await finishOne(context, shared, one);
      });
      await shared.counts.save(context);
      await recordSuccesses(context, done, now);
    },
  };
}

async function finishOne(context: StoreContext, shared: Shared, { claim, outcome }: Done): Promise<void> {
  switch (outcome.kind) {
    case 'delivered':
    case 'exhausted':
    case 'rejected':
      return await end(context, shared, { claim, outcome });
    case 'retry':
      return await retry(context, { claim, outcome });
    case 'disable':
      return await disable(context, { claim, outcome }, shared.now);
  }
}

/** Of a claim that was lost only a success counts: the receiver has it, whoever attempts it now. */
function counts(item: Item, claim: Claim, outcome: Outcome): boolean {
  return isHeld(item, claim) || (outcome.kind === 'delivered' && stateOf(item) !== 'delivered');
}

function isHeld(item: Item, { token }: Claim): boolean {
  return stateOf(item) === 'pending' && textOrNull(item, 'claimToken') === token;
}

async function end(
  context: StoreContext,
  { owners, counts: changes, now }: Shared,
  { claim, outcome }: Done<'delivered' | 'exhausted' | 'rejected'>,
): Promise<void> {
  const { ref } = claim;
  const at = now.toISOString();
  await persist<true>(context, `end the delivery ${deliveryIdOf(ref)}`, async () => {
    const itemOf = await getItems(context, [deliveryKey(ref), eventKey(ref.eventId)]);
    const delivery = itemOf(deliveryKey(ref));
    const event = itemOf(eventKey(ref.eventId));
    if (delivery === null || event === null || !counts(delivery, claim, outcome)) return true;
    const from = stateOf(delivery);
    const write = changeIfSame(ref, delivery, {
      ...attemptAttributes(delivery, outcome.attempt, true),
      ...endedAttributes(outcome.kind, ref.webhookId, at, context.retention),
    });
    const stored = storedEvent(event);
    const change = { write, from, to: outcome.kind, settlements: 'decide' } as const;
    const changed = await changeDelivery(context, owners, { event: stored, change, now });
    if (changed.kind === 'refused') return null;
    if (changed.kind === 'gone') return true;
    changes.add(from, textOrNull(delivery, 'endedAt'), -1);
    changes.add(outcome.kind, at, 1);
    return true;
  });
}

async function retry(context: StoreContext, { claim, outcome }: Done<'retry'>): Promise<void> {
  const delivery = await getItem(context, deliveryKey(claim.ref));
  if (delivery === null || !isHeld(delivery, claim)) return;
  if (outcome.gateUntil !== null) await closeGate(context, claim.webhook.id, outcome.gateUntil);
  const next = outcome.nextAttemptAt.toISOString();
  await changeHeld(context, claim, {
    ...attemptAttributes(delivery, outcome.attempt, outcome.charged),
    ...dueAttributes(next),
    ...{ nextAttemptAt: next, claimToken: null, claimUntil: null },
    ...(outcome.nextBody !== null && { reducedBody: outcome.nextBody }),
  });
}

async function disable(context: StoreContext, { claim, outcome }: Done<'disable'>, now: Date): Promise<void> {
  const delivery = await getItem(context, deliveryKey(claim.ref));
  if (delivery === null || !isHeld(delivery, claim)) return;
  await disableWebhook(context, claim.webhook.id, outcome.reason, now);
  await changeHeld(context, claim, {
    ...attemptAttributes(delivery, outcome.attempt, false),
    ...parkedAttributes(claim.ref.webhookId, now.toISOString()),
  });
}

/** A refusal is a claim that was lost meanwhile, or an answer that was: the change is made then. */
async function changeHeld(table: Table, { ref, token }: Claim, attributes: Assignable): Promise<Written> {
  const { update: expression, values } = assign(attributes);
  return await update(table, {
    ...{ key: deliveryKey(ref), update: expression, condition: HELD },
    values: { ...values, ':pending': 'pending', ':token': token },
  });
}

async function recordSuccesses(
  table: Table,
  done: readonly { readonly claim: Claim; readonly outcome: Outcome }[],
  now: Date,
): Promise<void> {
  const at = now.toISOString();
  const webhooks = done.flatMap(({ claim: { webhook }, outcome }) => {
    const last = webhook.lastSuccessAt === null ? 0 : Date.parse(webhook.lastSuccessAt);
    const isFresh = now.getTime() - last < SUCCESS_AGE_MS;
    return outcome.kind === 'delivered' && !isFresh ? [webhook.id] : [];
  });
  await mapAtOnce([...new Set(webhooks)], AT_ONCE, async (id) => {
    await update(table, {
      ...{ key: webhookKey(id), update: 'SET lastSuccessAt = :now', condition: NEWER },
      values: { ':now': at },
    });
  });
}
