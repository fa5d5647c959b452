import type { SQLInputValue } from 'node:sqlite';
import type { Account } from '../../account.ts';
import type { AccountId } from '../../identity.ts';
import type { PageRequest } from '../../ports/lists.ts';
import type { Store } from '../../ports/store.ts';
import type { Database } from '../database.ts';
import { refreshAccountDue } from './account-due.ts';
import { type AccountRow, accountOf, settingsColumns, stateColumns } from './account-row.ts';
import { nameKeyOf, type StoreContext } from './context.ts';
import { breakCursors, deleteCursors } from './cursors.ts';
import { cursorOf, limitOf, placeOf } from './paging.ts';
import { finishRemoval, finishRemovalsOf, markRemoved, removalsOf } from './removal.ts';

type Change = Parameters<Store['updateAccount']>[1];
type Accounts = Pick<
  Store,
  | 'createAccount'
  | 'account'
  | 'accountByName'
  | 'accounts'
  | 'updateAccount'
  | 'dropCursors'
  | 'removeAccount'
>;

/** The registry of accounts. */
export function createAccounts(context: StoreContext): Accounts {
  const { database, writer } = context;
  return {
    createAccount: (account) =>
      withFreeLogins(context, [account.id, account.loginId], () => insertAccount(database, account)),
    async account(id) {
      const row = accountRow(database, id);
      return row === undefined ? null : accountOf(row);
    },
    async accountByName(name) {
      const row = database.get<AccountRow>('SELECT * FROM accounts WHERE name_key = ?', nameKeyOf(name));
      return row === undefined ? null : accountOf(row);
    },
    async accounts(page) {
      return accountPage(database, page);
    },
    updateAccount: (id, change) =>
      withFreeLogins(context, change.loginId === undefined ? [] : [change.loginId], () =>
        updateAccount(database, id, change),
      ),
    dropCursors: (id) => writer.write(() => dropCursors(database, id)),
    async removeAccount(id) {
      const removed = await writer.write(() => {
        if (accountRow(database, id) === undefined) return false;
        dropCursors(database, id);
        markRemoved(database, id);
        return true;
      });
      if (!removed) return 'gone';
      await finishRemoval(context, id);
      return 'ok';
    },
  };
}

/** Writes once nothing is left of removed accounts that had these logins. */
async function withFreeLogins<Result>(
  context: StoreContext,
  logins: readonly AccountId[],
  write: () => Result,
): Promise<Result> {
  for (;;) {
    await finishRemovalsOf(context, logins);
    // Between the two another account may have been removed.
    const written = await context.writer.write(() =>
      logins.some((login) => removalsOf(context.database, login).length > 0) ? null : { answer: write() },
    );
    if (written !== null) return written.answer;
  }
}

/** The row of an account; undefined when there is none. */
function accountRow(database: Database, id: AccountId): AccountRow | undefined {
  return database.get<AccountRow>('SELECT * FROM accounts WHERE id = ?', id);
}

function accountPage(database: Database, page: PageRequest): Awaited<ReturnType<Store['accounts']>> {
  const limit = limitOf(page);
  const rows = database.all<AccountRow>(
    'SELECT * FROM accounts WHERE seq > ? ORDER BY seq LIMIT ?',
    placeOf('a', page.after)?.seq ?? 0,
    limit + 1,
  );
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { data: shown.map(accountOf), next: more ? cursorOf('a', { timeMs: 0, seq: last.seq }) : null };
}

function insertAccount(database: Database, account: Account): 'ok' | 'name-taken' | 'login-taken' {
  const refused = rivalOf(database, account.id, account.loginId, account.name, null);
  if (refused !== null) return refused;
  const columns = { ...stateColumns(account), ...settingsColumns(account.id, account) };
  const names = Object.keys(columns);
  database.run(
    `INSERT INTO accounts (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    ...Object.values(columns),
  );
  rememberLogins(database, account.id, [account.id, account.loginId]);
  return 'ok';
}

function rememberLogins(database: Database, id: AccountId, logins: readonly AccountId[]): void {
  for (const login of logins) {
    database.run('INSERT OR IGNORE INTO logins (login_id, account_id) VALUES (?, ?)', login, id);
  }
}

/**
 * Why an account cannot have this login or name. A login may be none that another ever had: event ids are made of it, and those
 * of two accounts must not meet.
 */
function rivalOf(
  database: Database,
  id: AccountId,
  loginId: AccountId,
  name: string,
  self: AccountId | null,
): 'name-taken' | 'login-taken' | null {
  const login = database.get(
    'SELECT 1 FROM logins WHERE login_id IN (?1, ?2) AND account_id IS NOT ?3',
    id,
    loginId,
    self,
  );
  if (login !== undefined) return 'login-taken';
  const named = database.get(
    'SELECT 1 FROM accounts WHERE name_key = ? AND id IS NOT ?',
    nameKeyOf(name),
    self,
  );
  return named === undefined ? null : 'name-taken';
}

function updateAccount(
  database: Database,
  id: AccountId,
  change: Change,
): Account | 'gone' | 'name-taken' | 'login-taken' {
  const before = accountRow(database, id);
  if (before === undefined) return 'gone';
  const { loginId, credential, state, reason, held, clearBackoff, ...settings } = change;
  const account = { ...accountOf(before), ...settings };
  const refused = rivalOf(database, id, loginId ?? before.login_id, account.name, id);
  if (refused !== null) return refused;
  const columns: Record<string, SQLInputValue> = settingsColumns(id, account);
  if (loginId !== undefined) columns.login_id = loginId;
  if (credential !== undefined) columns.credential = credential;
  if (state !== undefined) Object.assign(columns, { state, reason: null });
  if (reason !== undefined) columns.reason = reason;
  if (held !== undefined) columns.held = held;
  if (clearBackoff) Object.assign(columns, { not_before: null, consecutive_failures: 0 });
  // A poll that runs now found out about the old settings: what it says of them no longer counts.
  if (credential !== undefined || state !== undefined || clearBackoff) columns.overruled = 1;
  setColumns(database, id, columns);
  if (loginId !== undefined && loginId !== before.login_id) {
    // A poll of the old place may not write any more.
    revokeLease(database, id);
    breakCursors(database, id, account.protocol);
    rememberLogins(database, id, [loginId]);
  }
  refreshAccountDue(database, id);
  const after = accountRow(database, id);
  return after === undefined ? 'gone' : accountOf(after);
}

function setColumns(database: Database, id: AccountId, columns: Record<string, SQLInputValue>): void {
  const assignments = Object.keys(columns).map((name) => `${name} = ?`);
  database.run(`UPDATE accounts SET ${assignments.join(', ')} WHERE id = ?`, ...Object.values(columns), id);
}

/** A poll that runs now would bring the cursors back. */
function dropCursors(database: Database, id: AccountId): void {
  revokeLease(database, id);
  deleteCursors(database, id);
  database.run('DELETE FROM gaps WHERE account_id = ?', id);
  refreshAccountDue(database, id);
}

function revokeLease(database: Database, id: AccountId): void {
  database.run('UPDATE accounts SET lease_token = NULL, lease_until = NULL WHERE id = ?', id);
}
