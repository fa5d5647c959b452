import type { AccountState } from '../../account.ts';
import type { Fence, PollHealth, Store } from '../../ports/store.ts';
import { announceWork, hasten } from './account-due.ts';
import {
  listedStateWrite,
  readAccount,
  type StoredAccount,
  scheduleItem,
  wakeWrite,
} from './account-item.ts';
import { type Assignable, assign } from './assign.ts';
import type { StoreContext } from './context.ts';
import { accountKey, leaseKey } from './keys.ts';
import { HELD, tokenOf } from './lease.ts';
import { type Item, text, textOrNull } from './marshal.ts';
import { persist } from './retry.ts';
import { transact, update, type Write } from './writes.ts';

/** What the owner changed during the poll stands: the poll speaks of what was before. */
const NOT_OVERRULED = 'attribute_not_exists(overruled)';
const OVERRULED = 'attribute_exists(overruled)';
/** A good poll leaves these as they are; an account in another state becomes active by it. */
const KEEPS_STATE = 'accountState IN (:active, :paused)';
const SAME_STATE = 'accountState = :seen';
const SAME_REVISION = 'revision = :revision';

type State = NonNullable<PollHealth['state']>;

/** How polls end. An idle one is a single write of a small item. */
export function createPollEnd(context: StoreContext): Pick<Store, 'release'> {
  return {
    async release(fence, health) {
      // Before the lease is given back, so that a crash between the two costs a look for nothing, and not the backlog.
      if (health.backlogAt !== null) {
        await announceWork(context, fence.accountId, health.backlogAt.toISOString(), health.at);
      }
      const before = await persist(context, 'give a lease back', () => giveBack(context, fence, health));
      if (before === 'lost' || textOrNull(before, 'leaseReason') === 'slot') return;
      await hasten(context, fence.accountId, health.at.toISOString());
    },
  };
}

/** The lease as it was, or `lost`; null when it changed meanwhile and is to be looked at again. */
async function giveBack(
  context: StoreContext,
  fence: Fence,
  health: PollHealth,
): Promise<Item | 'lost' | null> {
  if (health.state !== null) return await changeState(context, fence, health, health.state);
  const plain = await giveBackPlainly(context, fence, health);
  if (plain.ok) return plain.item;
  const lease = plain.item;
  if (lease === null || textOrNull(lease, 'leaseToken') !== tokenOf(fence).lease) return 'lost';
  if (lease.overruled !== undefined) return await giveBackOverruled(context, fence, health);
  return await changeState(context, fence, health, { state: 'active', reason: null });
}

async function giveBackPlainly(context: StoreContext, fence: Fence, health: PollHealth) {
  const mayRecover = isGood(health);
  const { update: expression, values } = assign(
    { ...facts(health), ...verdict(health), ...FREED },
    failures(health),
  );
  return await update(context, {
    ...{ key: leaseKey(fence.accountId), update: expression },
    condition: [HELD, NOT_OVERRULED, ...(mayRecover ? [KEEPS_STATE] : [])].join(' AND '),
    values: {
      ...{ ...values, ':token': tokenOf(fence).lease },
      ...(mayRecover && { ':active': 'active', ':paused': 'paused' }),
    },
  });
}

async function giveBackOverruled(
  context: StoreContext,
  fence: Fence,
  health: PollHealth,
): Promise<Item | 'lost' | null> {
  const { update: expression, values } = assign({ ...facts(health), ...FREED });
  const given = await update(context, {
    ...{ key: leaseKey(fence.accountId), update: expression, condition: `${HELD} AND ${OVERRULED}` },
    values: { ...values, ':token': tokenOf(fence).lease },
  });
  if (given.ok) return given.item;
  return isLost(given.item, fence) ? 'lost' : null;
}

/** Gives the lease back together with another state, which also changes the account's place on the wheel and in the list. */
async function changeState(
  context: StoreContext,
  fence: Fence,
  health: PollHealth,
  { state, reason }: State,
): Promise<Item | 'lost' | null> {
  const stored = await readAccount(context, fence.accountId);
  if (stored === null) return 'lost';
  const { account } = stored;
  const { update: expression, values } = assign(
    {
      ...{ ...facts(health), ...verdict(health), ...FREED },
      ...{ accountState: state, stateReason: reason },
    },
    failures(health),
  );
  const lease: Write = {
    ...{ kind: 'update', key: leaseKey(fence.accountId), update: expression },
    condition: [HELD, NOT_OVERRULED, SAME_STATE].join(' AND '),
    values: { ...values, ':token': tokenOf(fence).lease, ':seen': account.state },
  };
  const refusals = await transact(context, [lease, ...placeWrites(stored, state)]);
  if (refusals.length === 0) return {};
  const ofLease = refusals.find(({ index }) => index === 0);
  if (ofLease === undefined) return null;
  if (isLost(ofLease.item, fence)) return 'lost';
  return ofLease.item?.overruled === undefined ? null : await giveBackOverruled(context, fence, health);
}

function placeWrites({ account, place, revision }: StoredAccount, state: AccountState): Write[] {
  if (account.state === state) return [];
  return [
    // The place on the wheel is made of settings that may change meanwhile.
    {
      ...{ kind: 'check', key: accountKey(account.id), condition: SAME_REVISION },
      values: { ':revision': revision },
    },
    { kind: 'put', item: scheduleItem({ ...account, state }) },
    listedStateWrite(place, state),
    ...(state === 'active' ? [wakeWrite(account.id)] : []),
  ];
}

function isLost(lease: Item | null, fence: Fence): boolean {
  return (
    lease === null || lease.leaseToken === undefined || text(lease, 'leaseToken') !== tokenOf(fence).lease
  );
}

const FREED: Assignable = { leaseToken: null, leaseUntil: null };

/** What happened, whatever the owner changed meanwhile. */
function facts(health: PollHealth): Assignable {
  const { at, backlogAt, transitions } = health;
  return {
    ...{ lastPollAt: at.toISOString(), backlogAt: backlogAt?.toISOString() ?? null, transitions },
    ...(isGood(health) && { lastSuccessAt: at.toISOString(), lastError: null, failures: 0 }),
  };
}

/** What it means for the account. */
function verdict({ notBefore, held, error }: PollHealth): Assignable {
  return {
    ...{ notBefore: notBefore?.toISOString() ?? null, held },
    ...(error !== null && { lastError: JSON.stringify(error) }),
  };
}

function failures(health: PollHealth): Readonly<Record<string, number>> {
  return isGood(health) ? {} : { failures: 1 };
}

function isGood({ error, partial = false }: PollHealth): boolean {
  return error === null || partial;
}
