import type { AccountId } from '../../identity.ts';
import type { Database } from '../database.ts';
import type { StoreContext } from './context.ts';
import { deleteEvent, type EventParts } from './event-removal.ts';

/** Events deleted in one write: few enough not to hold up the others in its commit. */
const SLICE_EVENTS = 100;

/**
 * Removes the account itself, inside a write, and remembers that its events are still to go: there may be millions, and
 * no single write may take so long.
 */
export function markRemoved(database: Database, id: AccountId): void {
  database.run('DELETE FROM accounts WHERE id = ?', id);
  database.run('INSERT INTO removals (account_id) VALUES (?)', id);
}

/**
 * Deletes what is left of a removed account; nothing to do for one that is not being removed. Ends early when `goOn` says
 * so: what is left then is found by `unfinishedRemovals`.
 */
export async function finishRemoval(
  { database, writer }: StoreContext,
  id: AccountId,
  goOn: () => boolean = () => true,
): Promise<void> {
  const isRemoved = () => database.get('SELECT 1 FROM removals WHERE account_id = ?', id) !== undefined;
  while (goOn() && isRemoved()) await writer.write(() => removeSlice(database, id));
}

/**
 * Ends the removals of accounts that ever had one of these logins: event ids are made of a login, so what is left of such an
 * account would pass for events of the one that has the login next.
 */
export async function finishRemovalsOf(context: StoreContext, logins: readonly AccountId[]): Promise<void> {
  for (const login of logins) {
    for (const id of removalsOf(context.database, login)) await finishRemoval(context, id);
  }
}

/** The accounts that had this login and are not removed completely. */
export function removalsOf(database: Database, login: AccountId): AccountId[] {
  const rows = database.all<{ account_id: AccountId }>(
    'SELECT r.account_id FROM removals r JOIN logins l ON l.account_id = r.account_id WHERE l.login_id = ?',
    login,
  );
  return rows.map((row) => row.account_id);
}

/** The removed accounts that still have something left, after a crash in the middle. */
export function unfinishedRemovals(database: Database): AccountId[] {
  const rows = database.all<{ account_id: AccountId }>('SELECT account_id FROM removals');
  return rows.map((row) => row.account_id);
}

function removeSlice(database: Database, id: AccountId): void {
  const events = database.all<EventParts>(
    'SELECT seq, raw, body FROM events WHERE account_id = ? LIMIT ?',
    id,
    SLICE_EVENTS,
  );
  for (const event of events) deleteEvent(database, event, 'erase');
  if (events.length >= SLICE_EVENTS) return;
  database.run('DELETE FROM removals WHERE account_id = ?', id);
  database.run('DELETE FROM logins WHERE account_id = ?', id);
}
