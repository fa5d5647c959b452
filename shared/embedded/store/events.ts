import type { EventId } from '../../identity.ts';
import type { BlobRef } from '../../ports/blobs.ts';
import type { Fence, NewEvent, Store } from '../../ports/store.ts';
import { adoptBlobs, type PackLookup } from '../blob-rows.ts';
import type { Database } from '../database.ts';
import { HINT_MS, nextTurn, type StoreContext } from './context.ts';
import { countDeliveries } from './delivery-state.ts';
import { sourceColumns } from './event-row.ts';
import { holdsLease } from './leases.ts';

/** So many ids are looked up, or digests of rows compared, before others have their turn. */
const SLICE_IDS = 500;
const SLICE_DIGESTS = 2_000;

/** How events come into the store, and how it is known that they are there. */
export function createEvents({
  database,
  writer,
  packs,
}: StoreContext): Pick<Store, 'commit' | 'known' | 'knownDigests'> {
  return {
    commit: (fence, batch, now) =>
      writer.write(() => commit(database, packs, { fence, batch, nowMs: now.getTime() })),
    async known(ids) {
      const known = new Set<EventId>();
      for (const [index, id] of ids.entries()) {
        if (index > 0 && index % SLICE_IDS === 0) await nextTurn();
        if (database.get('SELECT 1 FROM events WHERE id = ?', id) !== undefined) known.add(id);
      }
      return known;
    },
    async knownDigests(id, digests) {
      // Asked for only when continuity broke, so no index is kept for it; the account's events are read instead.
      const asked = new Set(digests);
      const known = new Set<string>();
      if (asked.size === 0) return known;
      let place = { committed_at: Number.MAX_SAFE_INTEGER, seq: Number.MAX_SAFE_INTEGER };
      for (;;) {
        const rows = database.all<{ committed_at: number; seq: number; digest: string | null }>(
          `SELECT committed_at, seq, digest FROM events WHERE account_id = ? AND (committed_at, seq) < (?, ?)
           ORDER BY committed_at DESC, seq DESC LIMIT ?`,
          id,
          place.committed_at,
          place.seq,
          SLICE_DIGESTS,
        );
        for (const { digest } of rows) if (digest !== null && asked.has(digest)) known.add(digest);
        const last = rows.at(-1);
        if (last === undefined || rows.length < SLICE_DIGESTS || known.size === asked.size) return known;
        place = last;
        await nextTurn();
      }
    },
  };
}

function commit(
  database: Database,
  packs: PackLookup,
  { fence, batch, nowMs }: { fence: Fence; batch: readonly NewEvent[]; nowMs: number },
): { committed: EventId[]; existing: EventId[] } | 'fenced' {
  if (!holdsLease(database, fence)) return 'fenced';
  const committed: EventId[] = [];
  const existing: EventId[] = [];
  const blobs: (BlobRef | null)[] = [];
  let deliveries = 0;
  for (const event of batch) {
    const webhooks = new Set(event.webhooks);
    const seq = insertEvent(database, event, webhooks.size, nowMs);
    if (seq === null) {
      existing.push(event.id);
      continue;
    }
    committed.push(event.id);
    blobs.push(event.raw, event.body);
    for (const webhookId of webhooks) {
      database.run(
        `INSERT INTO deliveries (event, webhook_id, state, trigger, next_attempt_at, due_at, created_at)
         VALUES (?, ?, 'pending', 'schedule', ?, ?, ?)`,
        seq,
        webhookId,
        nowMs,
        nowMs + HINT_MS,
        nowMs,
      );
    }
    deliveries += webhooks.size;
  }
  adoptBlobs(database, packs, blobs);
  countDeliveries(database, null, 'pending', deliveries);
  return { committed, existing };
}

/** The number of the new row; null when the event is there already. */
function insertEvent(database: Database, event: NewEvent, open: number, nowMs: number): number | null {
  const source = sourceColumns(event.source);
  return database.insert(
    `INSERT INTO events (id, type, account_id, mailbox, uid_validity, uid, uidl, backfill, received_at, committed_at,
       message_id, sender, subject, size_bytes, digest, raw, body, link_token, open, ended_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    event.id,
    event.type,
    event.accountId,
    source.mailbox,
    source.uid_validity,
    source.uid,
    source.uidl,
    event.backfill ? 1 : 0,
    event.receivedAt,
    nowMs,
    event.messageId,
    event.from,
    event.subject,
    event.sizeBytes,
    event.digest,
    event.raw,
    event.body,
    event.linkToken,
    open,
    open === 0 ? nowMs : null,
  );
}
