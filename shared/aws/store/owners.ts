import type { Account } from '../../account.ts';
import type { AccountId } from '../../identity.ts';
import { accountKey, cursorKey } from './keys.ts';
import { json, textOrNull } from './marshal.ts';
import { getItem, getItems, type Table } from './requests.ts';
import type { Policy } from './settlements.ts';

/** What the events of an account depend on: what its owner wants done, and how far its POP3 ledger goes. */
export interface Owners {
  /** Null when the account is gone. */
  policy(id: AccountId): Promise<Policy | null>;
  /** When the ledger of a POP3 account was saved last: it has the UIDLs of what was committed before. Null when it never was. */
  ledgerSavedAt(id: AccountId): Promise<string | null>;
}

/** Reads of each account what is asked for, once for one call of the store. */
export function createOwners(table: Table): Owners {
  const once = <Value>(read: (id: AccountId) => Promise<Value>) => {
    const known = new Map<AccountId, Promise<Value>>();
    return (id: AccountId) => {
      const value = known.get(id) ?? read(id);
      known.set(id, value);
      return value;
    };
  };
  return {
    policy: once(async (id) => {
      const item = await getItem(table, accountKey(id), ['account']);
      return item && json<Account>(item, 'account');
    }),
    ledgerSavedAt: once(async (id) => {
      const item = await getItem(table, cursorKey(id, ''), ['ledgerSavedAt']);
      return item && textOrNull(item, 'ledgerSavedAt');
    }),
  };
}

/** What the owners of some accounts want done; those that are gone are left out. */
export async function policiesOf(
  table: Table,
  ids: readonly AccountId[],
): Promise<ReadonlyMap<AccountId, Policy>> {
  const itemOf = await getItems(table, ids.map(accountKey), ['account']);
  return new Map(
    ids.flatMap((id) => {
      const item = itemOf(accountKey(id));
      return item === null ? [] : [[id, json<Account>(item, 'account')] as const];
    }),
  );
}
