import type { Account } from '../../account.ts';
import type { Store } from '../../ports/store.ts';
import {
  accountItem,
  listedStateWrite,
  readAccount,
  type StoredAccount,
  scheduleItem,
  wakeWrite,
} from './account-item.ts';
import { finishRemovalsOf, takeName } from './accounts.ts';
import { assign } from './assign.ts';
import { nameKeyOf, type StoreContext } from './context.ts';
import { leaseKey, loginKeys, nameKey } from './keys.ts';
import { persist } from './retry.ts';
import { transact, type Write } from './writes.ts';

type Change = Parameters<Store['updateAccount']>[1];
type Refused = 'gone' | 'name-taken' | 'login-taken';

/** What was read is still what is there. */
const UNCHANGED = 'revision = :revision';
const SAME_STATE = 'accountState = :seen';

/** How accounts change. */
export function createAccountUpdate(context: StoreContext): Pick<Store, 'updateAccount'> {
  return {
    async updateAccount(id, change) {
      return await persist<Account | Refused>(context, 'change an account', async () => {
        const before = await readAccount(context, id);
        if (before === null) return 'gone';
        const after = changed(before.account, change);
        const answer = await write(context, before, after, change);
        return answer === 'ok' ? after : answer;
      });
    },
  };
}

/** The account after the change. A new state clears the reason that is not given with it. */
function changed(account: Account, change: Change): Account {
  const { clearBackoff, state, reason, ...rest } = change;
  return {
    ...account,
    ...rest,
    state: state ?? account.state,
    reason: reason !== undefined ? reason : state !== undefined ? null : account.reason,
    ...(clearBackoff && { notBefore: null, consecutiveFailures: 0 }),
  };
}

/** Null when somebody else changed it meanwhile: then it is read anew. */
async function write(
  context: StoreContext,
  before: StoredAccount,
  after: Account,
  change: Change,
): Promise<'ok' | Refused | null> {
  const { account, place, revision } = before;
  const hadLogins = [...new Set([...before.logins, after.loginId])];
  const names = nameWrites(account, after);
  const logins = loginKeys(hadLogins)
    .slice(before.logins.length)
    .map((key) => takeName(key, after.id));
  const isWoken = after.state === 'active' && (account.state !== 'active' || change.clearBackoff === true);
  const writes: Write[] = [
    {
      kind: 'put',
      item: accountItem({ account: after, place, revision: revision + 1, logins: hadLogins }),
      condition: UNCHANGED,
      values: { ':revision': revision },
    },
    leaseWrite(account, after, change),
    ...logins,
    ...names,
    ...(isRescheduled(account, after) ? [{ kind: 'put', item: scheduleItem(after) } as const] : []),
    ...(after.state === account.state ? [] : [listedStateWrite(place, after.state)]),
    ...(isWoken ? [wakeWrite(account.id)] : []),
  ];
  const refusals = await transact(context, writes);
  const refused = new Set(refusals.map(({ index }) => writes[index]));
  if (refused.size === 0) return 'ok';
  const ofLogins = refusals.filter(({ index }) => logins.some((one) => one === writes[index]));
  if (ofLogins.length > 0) return (await finishRemovalsOf(context, ofLogins)) ? null : 'login-taken';
  return names.some((one) => refused.has(one)) ? 'name-taken' : null;
}

function isRescheduled(before: Account, after: Account): boolean {
  return (
    before.host !== after.host ||
    before.intervalSeconds !== after.intervalSeconds ||
    before.state !== after.state
  );
}

function nameWrites(before: Account, after: Account): Write[] {
  const [old, now] = [nameKeyOf(before.name), nameKeyOf(after.name)];
  if (old === now) return [];
  return [{ kind: 'delete', key: nameKey('account', old) }, takeName(nameKey('account', now), after.id)];
}

/** The part of a change that concerns polls; a change of none of it still makes sure that the state is as it was read. */
function leaseWrite(before: Account, after: Account, change: Change): Write {
  const key = leaseKey(after.id);
  const seen = { ':seen': before.state };
  const isState = change.state !== undefined;
  // A poll that runs now found out about the old settings: what it says of them no longer counts.
  const overrules = change.credential !== undefined || isState || change.clearBackoff === true;
  const isMoved = before.loginId !== after.loginId;
  const { update, values } = assign(
    {
      ...(isState && { accountState: after.state }),
      ...((isState || change.reason !== undefined) && { stateReason: after.reason }),
      ...(change.held !== undefined && { held: after.held }),
      ...(change.clearBackoff && { notBefore: null, failures: 0 }),
      ...(overrules && { overruled: 1 }),
      // What the cursors say is of another place now; a poll of the old place may not write any more.
      ...(isMoved && { leaseToken: null, leaseUntil: null }),
    },
    isMoved ? { era: 1 } : {},
  );
  if (update === '') return { kind: 'check', key, condition: SAME_STATE, values: seen };
  return { kind: 'update', key, update, condition: SAME_STATE, values: { ...values, ...seen } };
}
