import type { AccountState } from '../../account.ts';
import type { DeliveryState } from '../../delivery.ts';
import type { StoreCounts } from '../../ports/lists.ts';
import type { Store } from '../../ports/store.ts';
import type { Database } from '../database.ts';
import type { StoreContext } from './context.ts';

/** How much there is of everything. */
export function createCounts({
  database,
  lastTick,
}: Pick<StoreContext, 'database'> & Pick<Store, 'lastTick'>): Pick<Store, 'counts'> {
  return {
    async counts() {
      const pending = database.get<{ count: number; oldest: number | null }>(
        `SELECT count(*) AS count, min(committed_at) AS oldest FROM events INDEXED BY events_pending
         WHERE open > 0 AND mailbox IS NOT NULL AND type <> 'message.quarantined'`,
      );
      const waiting = database.get<{ count: number; oldest: number | null }>(
        'SELECT count(*) AS count, min(opened_at) AS oldest FROM gaps',
      );
      return {
        accounts: accountCounts(database),
        deliveries: deliveryCounts(database),
        pendingMessages: pending?.count ?? 0,
        oldestPendingAt: dateOf(pending?.oldest),
        waitingMessages: waiting?.count ?? 0,
        oldestWaitingAt: dateOf(waiting?.oldest),
        accountsWithoutWebhook: accountsWithoutWebhook(database),
        lastTickAt: await lastTick(),
      };
    },
  };
}

function dateOf(timeMs: number | null | undefined): Date | null {
  return timeMs == null ? null : new Date(timeMs);
}

function accountCounts(database: Database): StoreCounts['accounts'] {
  const counts = { active: 0, paused: 0, auth_failed: 0, error: 0 };
  const rows = database.all<{ state: AccountState; count: number }>(
    'SELECT state, count(*) AS count FROM accounts GROUP BY state',
  );
  for (const { state, count } of rows) counts[state] = count;
  return counts;
}

function deliveryCounts(database: Database): StoreCounts['deliveries'] {
  const counts = { pending: 0, parked: 0, delivered: 0, skipped: 0, exhausted: 0, rejected: 0, cancelled: 0 };
  const rows = database.all<{ state: DeliveryState; count: number }>(
    'SELECT state, count FROM delivery_counts',
  );
  for (const { state, count } of rows) counts[state] = count;
  return counts;
}

function accountsWithoutWebhook(database: Database): number {
  const row = database.get<{ count: number }>(
    `SELECT count(*) AS count FROM accounts WHERE state = 'active'
     AND NOT EXISTS (SELECT 1 FROM webhooks WHERE accounts IS NULL AND state = 'enabled')
     AND NOT EXISTS (SELECT 1 FROM selections s JOIN webhooks w ON w.id = s.webhook_id
                     WHERE s.account_id = accounts.id AND w.state = 'enabled')`,
  );
  return row?.count ?? 0;
}
