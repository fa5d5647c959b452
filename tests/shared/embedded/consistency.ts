import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';

/** Each statement finds rows that contradict others; of a sound data folder none. */
const CONTRADICTIONS: Readonly<Record<string, string>> = {
  'deliveries counted by state': `
    SELECT c.state, c.count, (SELECT count(*) FROM deliveries d WHERE d.state = c.state) AS there
    FROM delivery_counts c WHERE c.count <> there`,
  'counters of events': `
    SELECT id, open, delivered, failed FROM events e WHERE
      open <> (SELECT count(*) FROM deliveries WHERE event = e.seq AND state IN ('pending', 'parked'))
      OR delivered <> (SELECT count(*) FROM deliveries WHERE event = e.seq AND state = 'delivered')
      OR failed <> (SELECT count(*) FROM deliveries WHERE event = e.seq AND state IN ('exhausted', 'rejected'))
      OR (open = 0) <> (ended_at IS NOT NULL)`,
  'deliveries without their event': 'SELECT seq FROM deliveries WHERE event NOT IN (SELECT seq FROM events)',
  'settlements without their event':
    'SELECT event FROM settlements WHERE event NOT IN (SELECT seq FROM events)',
  'events without their account': 'SELECT id FROM events WHERE account_id NOT IN (SELECT id FROM accounts)',
  'due times of deliveries': `
    SELECT seq, state, due_at, next_attempt_at FROM deliveries
    WHERE (state = 'pending') <> (due_at IS NOT NULL) OR (state = 'pending') <> (next_attempt_at IS NOT NULL)
      OR (state = 'parked') <> (parked_at IS NOT NULL)`,
  'gates that nothing would open': `
    SELECT id, state, due_at FROM webhooks w WHERE CASE state WHEN 'disabled' THEN due_at IS NOT NULL
      ELSE due_at IS NULL AND EXISTS (SELECT 1 FROM deliveries WHERE state = 'parked' AND webhook_id = w.id) END`,
  'references to packs': `
    WITH refs (ref) AS (
      SELECT raw FROM events UNION ALL SELECT body FROM events UNION ALL SELECT body FROM deliveries
      UNION ALL SELECT ref FROM (SELECT account_id, mailbox, base AS ref FROM cursors
        UNION SELECT account_id, mailbox, backfill FROM cursors)
    ), referred AS (
      SELECT substr(ref, 1, instr(ref, '.') - 1) AS name, count(*) AS live FROM refs
      WHERE ref IS NOT NULL AND ref <> '' GROUP BY name
    )
    SELECT name, p.live, r.live AS there FROM packs p LEFT JOIN referred r USING (name)
    WHERE p.live <> coalesce(r.live, 0)
    UNION ALL SELECT name, NULL, live FROM referred WHERE name NOT IN (SELECT name FROM packs)`,
};

/** Fails when the database of a data folder is damaged or contradicts itself. The folder must not be in use. */
export function expectConsistent(folder: string): void {
  const database = new DatabaseSync(join(folder, 'mailhook.db'));
  try {
    expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
    for (const [what, sql] of Object.entries(CONTRADICTIONS)) {
      expect({ what, rows: database.prepare(sql).all() }).toEqual({ what, rows: [] });
    }
  } finally {
    database.close();
  }
}
