import type { Account, AccountError, AccountState } from '../../account.ts';
import type { AccountId } from '../../identity.ts';
import { duePartition, wheelPartition, wheelSort } from './index-keys.ts';
import { accountDueKey, accountKey, leaseKey, listPartition, scheduleKey } from './keys.ts';
import { attributes, type Item, json, jsonOrNull, number, text, textOrNull } from './marshal.ts';
import { getItems, type Table } from './requests.ts';
import { intervalClass, slotOf } from './schedule.ts';
import type { Write } from './writes.ts';

/** What polls and their outcomes change: it lies on the lease's item, so that an idle poll writes one small item. */
type Health = Pick<
  Account,
  | 'state'
  | 'reason'
  | 'held'
  | 'notBefore'
  | 'consecutiveFailures'
  | 'transitions'
  | 'lastPollAt'
  | 'lastSuccessAt'
  | 'lastError'
>;

/** What only the owner changes; one JSON text, because it is written and read as a whole. */
export type AccountDocument = Omit<Account, 'id' | keyof Health>;

/** An account as it is stored. */
export interface StoredAccount {
  readonly account: Account;
  /** The sort key of its place in the list of accounts. */
  readonly place: string;
  /** Grows with each change of the document. */
  readonly revision: number;
  /** All logins it ever had, its first and its present one among them. */
  readonly logins: readonly AccountId[];
}

/** What only the owner changes of an account. */
function documentOf(account: Account): AccountDocument {
  const { id, state, reason, held, notBefore, consecutiveFailures, ...more } = account;
  const { transitions, lastPollAt, lastSuccessAt, lastError, ...document } = more;
  return document;
}

/** The account's own item. */
export function accountItem({ account, place, revision, logins }: StoredAccount): Item {
  const document = JSON.stringify(documentOf(account));
  const item = { ...accountKey(account.id), account: document, place, revision };
  return attributes({ ...item, logins: JSON.stringify(logins) });
}

/** The first and the present login of an account. */
export function twoLogins({ id, loginId }: Pick<Account, 'id' | 'loginId'>): AccountId[] {
  return [...new Set([id, loginId])];
}

/** The lease of a new account, free, with the account's health. */
export function leaseItem(account: Account): Item {
  return attributes({
    ...leaseKey(account.id),
    accountState: account.state,
    stateReason: account.reason,
    held: account.held,
    notBefore: account.notBefore,
    failures: account.consecutiveFailures,
    transitions: account.transitions,
    lastPollAt: account.lastPollAt,
    lastSuccessAt: account.lastSuccessAt,
    lastError: account.lastError === null ? null : JSON.stringify(account.lastError),
    era: 0,
  });
}

/**
 * The place of an account on the wheel; it is in the index only while the account is active. It changes with the account's
 * interval, host or state, never with a poll.
 */
export function scheduleItem({
  id,
  host,
  intervalSeconds,
  state,
}: Pick<Account, 'id' | 'host' | 'intervalSeconds' | 'state'>): Item {
  const classMinutes = intervalClass(intervalSeconds);
  const wheel = {
    gsi1pk: wheelPartition(classMinutes),
    gsi1sk: wheelSort(slotOf(id, classMinutes), id),
  };
  return attributes({ ...scheduleKey(id), host, ...(state === 'active' && wheel) });
}

/** Puts an account among what is due at once, when it becomes active or its back-off ends; the tick looks what is due of it. */
export function wakeWrite(id: AccountId): Write {
  return {
    kind: 'update',
    key: accountDueKey(id),
    update: 'SET gsi1pk = :due, gsi1sk = :always',
    values: { ':due': duePartition(), ':always': new Date(0).toISOString() },
  };
}

/** Writes the state of an account into the list of accounts, from which accounts are counted. */
export function listedStateWrite(place: string, state: AccountState): Write {
  return {
    kind: 'update',
    key: { pk: listPartition('account'), sk: place },
    update: 'SET accountState = :state',
    values: { ':state': state },
  };
}

/** The account of its two items. */
export function accountOf(id: AccountId, meta: Item, lease: Item): Account {
  return { ...json<AccountDocument>(meta, 'account'), id, ...healthOf(lease) };
}

function healthOf(lease: Item): Health {
  return {
    state: text(lease, 'accountState') as AccountState,
    reason: textOrNull(lease, 'stateReason'),
    held: number(lease, 'held'),
    notBefore: textOrNull(lease, 'notBefore'),
    consecutiveFailures: number(lease, 'failures'),
    transitions: number(lease, 'transitions'),
    lastPollAt: textOrNull(lease, 'lastPollAt'),
    lastSuccessAt: textOrNull(lease, 'lastSuccessAt'),
    lastError: jsonOrNull<AccountError>(lease, 'lastError'),
  };
}

/** Accounts by their ids; those that are not there are left out. */
export async function readAccounts(
  table: Table,
  ids: readonly AccountId[],
): Promise<ReadonlyMap<AccountId, StoredAccount>> {
  const found = new Map<AccountId, StoredAccount>();
  if (ids.length === 0) return found;
  const itemOf = await getItems(
    table,
    ids.flatMap((id) => [accountKey(id), leaseKey(id)]),
  );
  for (const id of ids) {
    const meta = itemOf(accountKey(id));
    const lease = itemOf(leaseKey(id));
    if (meta === null || lease === null) continue;
    const account = accountOf(id, meta, lease);
    const logins = jsonOrNull<AccountId[]>(meta, 'logins') ?? twoLogins(account);
    found.set(id, { account, place: text(meta, 'place'), revision: number(meta, 'revision'), logins });
  }
  return found;
}

/** One account; null when it is not there. */
export async function readAccount(table: Table, id: AccountId): Promise<StoredAccount | null> {
  return (await readAccounts(table, [id])).get(id) ?? null;
}
