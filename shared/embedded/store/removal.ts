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
  if (events.length < SLICE_EVENTS) database.run('DELETE FROM removals WHERE account_id = ?', id);
}
