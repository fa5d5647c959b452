import type { Account } from '../../account.ts';
import type { AccountId } from '../../identity.ts';
import type { Page, PageRequest } from '../../ports/lists.ts';
import type { Store } from '../../ports/store.ts';
import {
  accountItem,
  leaseItem,
  readAccount,
  readAccounts,
  scheduleItem,
  twoLogins,
} from './account-item.ts';
import { runChore } from './chore-runner.ts';
import { isBeingRemoved, notBeingRemoved } from './chores.ts';
import { nameKeyOf, type StoreContext } from './context.ts';
import { choreKey, type Key, listKey, loginKeys, nameKey } from './keys.ts';
import { listPage, nextSequence } from './list.ts';
import { attributes, textOrNull } from './marshal.ts';
import { getItem } from './requests.ts';
import { persist } from './retry.ts';
import { type Refusal, transact, type Write } from './writes.ts';

/** Part of the writes whose names must not be those of others. */
const NOT_THERE = 'attribute_not_exists(pk)';

/** The registry of accounts: how they come, and how they are read. */
export function createAccounts(
  context: StoreContext,
): Pick<Store, 'createAccount' | 'account' | 'accountByName' | 'accounts'> {
  return {
    createAccount: (account) => createAccount(context, account),
    async account(id) {
      return (await readAccount(context, id))?.account ?? null;
    },
    async accountByName(name) {
      const taken = await getItem(context, nameKey('account', nameKeyOf(name)));
      const id = taken && textOrNull(taken, 'ownerId');
      return id === null ? null : ((await readAccount(context, id as AccountId))?.account ?? null);
    },
    accounts: (page) => accountPage(context, page),
  };
}

async function accountPage(context: StoreContext, page: PageRequest): Promise<Page<Account>> {
  const { data: ids, next } = await listPage(context, 'account', page);
  const accounts = await readAccounts(context, ids);
  return { data: ids.flatMap((id) => accounts.get(id)?.account ?? []), next };
}

/** Takes a name for an account. */
export function takeName(key: Key, id: AccountId): Write {
  return { kind: 'put', item: attributes({ ...key, ownerId: id }), condition: NOT_THERE };
}

async function createAccount(
  context: StoreContext,
  account: Account,
): Promise<'ok' | 'name-taken' | 'login-taken'> {
  const place = listKey('account', await nextSequence(context), account.id);
  const hadLogins = twoLogins(account);
  const logins = loginKeys(hadLogins).map((key) => takeName(key, account.id));
  const removed = notBeingRemoved(account.id);
  const writes: Write[] = [
    removed,
    {
      kind: 'put',
      item: accountItem({ account, place: place.sk, revision: 1, logins: hadLogins }),
      condition: NOT_THERE,
    },
    ...logins,
    takeName(nameKey('account', nameKeyOf(account.name)), account.id),
    { kind: 'put', item: leaseItem(account) },
    { kind: 'put', item: scheduleItem(account) },
    { kind: 'put', item: attributes({ ...place, accountState: account.state }) },
  ];
  return await persist<'ok' | 'name-taken' | 'login-taken'>(context, 'create an account', async () => {
    const refusals = await transact(context, writes);
    if (refusals.length === 0) return 'ok';
    if (refusals.some(({ index }) => writes[index] === removed)) {
      // The events of an account of this login that was removed must be gone, or they would become those of this one.
      await runChore(context, choreKey('account', account.id), { slices: Number.POSITIVE_INFINITY });
      return null;
    }
    const ofLogins = refusals.filter(({ index }) => index < 2 + logins.length);
    if (ofLogins.length === 0) return 'name-taken';
    return (await finishRemovalsOf(context, ofLogins)) ? null : 'login-taken';
  });
}

/**
 * Ends the removals of the accounts that have the names that were refused; true when there was one, and another try may go
 * well. What is left of such an account would pass for events of the one that has its login next.
 */
export async function finishRemovalsOf(
  context: StoreContext,
  refusals: readonly Refusal[],
): Promise<boolean> {
  let any = false;
  for (const { item } of refusals) {
    const owner = item && textOrNull(item, 'ownerId');
    if (owner === null || !(await isBeingRemoved(context, owner as AccountId))) continue;
    await runChore(context, choreKey('account', owner), { slices: Number.POSITIVE_INFINITY });
    any = true;
  }
  return any;
}
