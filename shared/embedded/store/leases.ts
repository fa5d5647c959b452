import { randomUUID } from 'node:crypto';
import type { AccountId } from '../../identity.ts';
import type { PollReason } from '../../jobs.ts';
import type { Acquired, Fence, PollHealth, Store } from '../../ports/store.ts';
import type { Database } from '../database.ts';
import { refreshAccountDue } from './account-due.ts';
import { type AccountRow, accountOf } from './account-row.ts';
import { msOf, type StoreContext } from './context.ts';

interface LeaseRow extends AccountRow {
  readonly last_slot: number | null;
  readonly lease_token: string | null;
  readonly lease_until: number | null;
  readonly overruled: number;
}

/**
 * Leases of accounts:
 *
 *     acquire          renew            lease_until
 *        |── held ───────|── held ──────────|── held until somebody else acquires ──>
 *
 * A lease is lost when it is given back, revoked, or taken by another after its end; not by its end alone, because as long as
 * nobody took it the writes of its holder meet no others.
 */
export function createLeases({
  database,
  writer,
}: StoreContext): Pick<Store, 'acquire' | 'renew' | 'release'> {
  return {
    acquire(id, reason, now, ttlMs) {
      const token = randomUUID();
      return writer.write(() => acquire(database, id, reason, { token, nowMs: now.getTime(), ttlMs }));
    },
    renew(fence, now, ttlMs) {
      return writer.write(() => {
        if (!holdsLease(database, fence)) return false;
        const until = now.getTime() + ttlMs;
        database.run('UPDATE accounts SET lease_until = ? WHERE id = ?', until, fence.accountId);
        return true;
      });
    },
    release: (fence, health) => writer.write(() => release(database, fence, health)),
  };
}

/** Whether the fence is still that of the account's lease; part of every write of a poll. */
export function holdsLease(database: Database, fence: Fence): boolean {
  const row = database.get<{ lease_token: string | null }>(
    'SELECT lease_token FROM accounts WHERE id = ?',
    fence.accountId,
  );
  return row?.lease_token === fence.token;
}

function acquire(
  database: Database,
  id: AccountId,
  reason: PollReason | 'baseline',
  lease: { readonly token: string; readonly nowMs: number; readonly ttlMs: number },
): Acquired {
  const row = database.get<LeaseRow>('SELECT * FROM accounts WHERE id = ?', id);
  if (row === undefined) return { kind: 'gone' };
  const mayBePaused = reason === 'baseline';
  const mustBeActive = reason === 'backlog' || typeof reason === 'object';
  if (row.state === 'paused' ? !mayBePaused : mustBeActive && row.state !== 'active') {
    return { kind: 'inactive', state: row.state };
  }
  if (row.lease_token !== null && (row.lease_until ?? 0) > lease.nowMs) return { kind: 'busy' };
  const slotMs = typeof reason === 'object' ? msOf(reason.slot) : null;
  const isTaken = slotMs !== null && row.last_slot !== null && slotMs <= row.last_slot;
  if (isTaken || (mustBeActive && (row.not_before ?? 0) > lease.nowMs)) return { kind: 'not-due' };
  database.run(
    `UPDATE accounts SET lease_token = ?, lease_until = ?, overruled = 0, last_slot = coalesce(?, last_slot)
     WHERE id = ?`,
    lease.token,
    lease.nowMs + lease.ttlMs,
    slotMs,
    id,
  );
  return { kind: 'acquired', fence: { accountId: id, token: lease.token }, account: accountOf(row) };
}

function release(database: Database, fence: Fence, health: PollHealth): void {
  if (!holdsLease(database, fence)) return;
  const { accountId } = fence;
  const row = database.get<LeaseRow>('SELECT * FROM accounts WHERE id = ?', accountId);
  if (row === undefined) return;
  database.run(
    `UPDATE accounts SET lease_token = NULL, lease_until = NULL, hinted_until = NULL,
       last_poll_at = ?, backlog_at = ?, transitions = ? WHERE id = ?`,
    health.at.getTime(),
    health.backlogAt?.getTime() ?? null,
    health.transitions,
    accountId,
  );
  if (isGood(health)) {
    database.run(
      `UPDATE accounts SET last_success_at = ?, last_error = NULL, consecutive_failures = 0 WHERE id = ?`,
      health.at.getTime(),
      accountId,
    );
  }
  // What its owner changed during the poll stands: the poll speaks of what was before.
  if (row.overruled === 0) applyVerdict(database, row, health);
  refreshAccountDue(database, accountId);
}

function applyVerdict(database: Database, row: LeaseRow, health: PollHealth): void {
  database.run(
    'UPDATE accounts SET not_before = ?, held = ? WHERE id = ?',
    health.notBefore?.getTime() ?? null,
    health.held,
    row.id,
  );
  if (health.error !== null) {
    database.run(
      'UPDATE accounts SET last_error = ?, consecutive_failures = consecutive_failures + ? WHERE id = ?',
      JSON.stringify(health.error),
      isGood(health) ? 0 : 1,
      row.id,
    );
  }
  const recovered = isGood(health) && (row.state === 'auth_failed' || row.state === 'error');
  const state = health.state ?? (recovered ? { state: 'active', reason: null } : null);
  if (state !== null) {
    database.run('UPDATE accounts SET state = ?, reason = ? WHERE id = ?', state.state, state.reason, row.id);
  }
}

function isGood({ error, partial = false }: PollHealth): boolean {
  return error === null || partial;
}
