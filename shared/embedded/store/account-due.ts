import type { AccountId } from '../../identity.ts';
import type { Database } from '../database.ts';

/** Later than any time that occurs, and exact as a number: stands for "never" inside `min()`. */
const NEVER = 9e15;

/**
 * When the tick finds an account: with its earliest gap, settlement or backlog, not before its back-off ends, and not
 * while a hint that was just given may still be on its way; null when there is no work, or it may not be polled.
 */
const DUE_AT = `
CASE WHEN state = 'active' THEN nullif(max(
  min(coalesce(backlog_at, ${NEVER}),
      coalesce((SELECT min(due_at) FROM gaps WHERE gaps.account_id = accounts.id), ${NEVER}),
      coalesce((SELECT min(due_at) FROM settlements
                WHERE settlements.account_id = accounts.id AND settlements.due_at IS NOT NULL), ${NEVER})),
  coalesce(not_before, 0), coalesce(hinted_until, 0)), ${NEVER}) END`;

/** Brings an account's due time up to date: after every change of its work, its state or its back-off. */
export function refreshAccountDue(database: Database, id: AccountId): void {
  database.run(`UPDATE accounts SET due_at = ${DUE_AT} WHERE id = ?`, id);
}

/** At the start of the process: nobody polls, and no hint is on its way. */
export function resetAccounts(database: Database): void {
  database.run('UPDATE accounts SET lease_token = NULL, lease_until = NULL, hinted_until = NULL');
  database.run(`UPDATE accounts SET due_at = ${DUE_AT}`);
}
