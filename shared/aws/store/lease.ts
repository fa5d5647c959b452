import type { AccountState } from '../../account.ts';
import type { AccountId } from '../../identity.ts';
import type { PollReason } from '../../jobs.ts';
import type { Acquired, Fence, Store } from '../../ports/store.ts';
import { accountOf } from './account-item.ts';
import { assign } from './assign.ts';
import { isoOf, type StoreContext } from './context.ts';
import { accountKey, leaseKey } from './keys.ts';
import { type Item, number, text, textOrNull, type Value } from './marshal.ts';
import { getItem } from './requests.ts';
import { update, type Write } from './writes.ts';

/**
 * Leases of accounts:
 *
 *     acquire          renew             leaseUntil
 *        |── held ───────|── held ───────────|── held until somebody else acquires ──>
 *
 * A lease is lost when it is given back, revoked, or taken by another after its end; not by its end alone, because as long as
 * nobody took it the writes of its holder meet no others.
 */
const THERE = 'attribute_exists(pk)';
const FREE = '(attribute_not_exists(leaseToken) OR leaseUntil <= :now)';
const ACTIVE = 'accountState = :active';
const NOT_PAUSED = 'accountState <> :paused';
const RESTED = '(attribute_not_exists(notBefore) OR notBefore <= :now)';
const NEWER_SLOT = '(attribute_not_exists(lastSlot) OR lastSlot < :lastSlot)';

/** The condition of every write of a poll; its value is `:token`. */
export const HELD = 'leaseToken = :token';

/**
 * The halves of a fence's token: the lease's own, and the era of the account's login, in which the cursors are saved that
 * this poll saves.
 */
export function tokenOf({ token }: Pick<Fence, 'token'>): { readonly lease: string; readonly era: number } {
  const at = token.indexOf('.');
  return { lease: token.slice(at + 1), era: Number(token.slice(0, at)) };
}

/** The part of a transaction that is refused when the lease was lost. */
export function fenceCheck(fence: Fence): Write {
  return {
    ...{ kind: 'check', key: leaseKey(fence.accountId), condition: HELD },
    values: { ':token': tokenOf(fence).lease },
  };
}

/** How leases are taken and held; see release.ts for the end of them. */
export function createLeases(context: StoreContext): Pick<Store, 'acquire' | 'renew'> {
  return {
    acquire: (id, reason, now, ttlMs) => acquire(context, id, reason, { now, ttlMs }),
    async renew(fence, now, ttlMs) {
      const renewed = await update(context, {
        ...{ key: leaseKey(fence.accountId), update: 'SET leaseUntil = :until', condition: HELD },
        values: { ':until': isoOf(now.getTime() + ttlMs), ':token': tokenOf(fence).lease },
      });
      return renewed.ok;
    },
  };
}

async function acquire(
  context: StoreContext,
  id: AccountId,
  reason: PollReason | 'baseline',
  { now, ttlMs }: { readonly now: Date; readonly ttlMs: number },
): Promise<Acquired> {
  const token = context.newToken();
  const slot = typeof reason === 'object' ? new Date(reason.slot).toISOString() : null;
  const { update: expression, values } = assign({
    leaseToken: token,
    leaseUntil: isoOf(now.getTime() + ttlMs),
    // A slot comes again by itself; what is due between two slots is looked for again when this poll has ended.
    leaseReason: slot === null ? 'other' : 'slot',
    overruled: null,
    ...(slot !== null && { lastSlot: slot }),
  });
  const conditions = conditionsOf(reason, now);
  const taken = await update(context, {
    ...{ key: leaseKey(id), update: expression, condition: conditions.expression },
    values: { ...values, ...conditions.values },
  });
  if (!taken.ok && (taken.item === null || textOrNull(taken.item, 'leaseToken') !== token)) {
    return refusal(taken.item, reason, now);
  }
  const lease = taken.item ?? {};
  // After the lease: settings read before it might be those of a login that was changed in between.
  const meta = await getItem(context, accountKey(id));
  if (meta === null) return { kind: 'gone' };
  const fence = { accountId: id, token: `${number(lease, 'era')}.${token}` };
  return { kind: 'acquired', fence, account: accountOf(id, meta, lease) };
}

/** Whether only an active account is polled for this reason, and only once its back-off has ended. */
function mustBeActive(reason: PollReason | 'baseline'): boolean {
  return reason === 'backlog' || typeof reason === 'object';
}

function conditionsOf(
  reason: PollReason | 'baseline',
  now: Date,
): { readonly expression: string; readonly values: Record<string, Value> } {
  const values: Record<string, Value> = { ':now': now.toISOString() };
  const parts = [THERE, FREE];
  if (mustBeActive(reason)) {
    parts.push(ACTIVE, RESTED);
    values[':active'] = 'active';
  } else if (reason !== 'baseline') {
    parts.push(NOT_PAUSED);
    values[':paused'] = 'paused';
  }
  // Its value is the one that the lease is given.
  if (typeof reason === 'object') parts.push(NEWER_SLOT);
  return { expression: parts.join(' AND '), values };
}

/** Why there is no lease, by the item as it was found. */
function refusal(lease: Item | null, reason: PollReason | 'baseline', now: Date): Acquired {
  if (lease === null || lease.accountState === undefined) return { kind: 'gone' };
  const state = text(lease, 'accountState') as AccountState;
  const isForbidden = state === 'paused' ? reason !== 'baseline' : mustBeActive(reason) && state !== 'active';
  if (isForbidden) return { kind: 'inactive', state };
  const isTaken = textOrNull(lease, 'leaseToken') !== null && text(lease, 'leaseUntil') > now.toISOString();
  return isTaken ? { kind: 'busy' } : { kind: 'not-due' };
}
