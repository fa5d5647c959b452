import type { WebhookId } from '../../identity.ts';
import { blobRetentionDays, DEFAULT_RETENTION_DAYS } from '../../retention.ts';
import { dropBlob } from '../blob-rows.ts';
import type { Database } from '../database.ts';
import type { StoreContext } from './context.ts';
import { cancelDelivery, type DeliveryKey } from './delivery-state.ts';
import { BYTES_GONE, deleteEvent, type EventParts } from './event-removal.ts';
import { finishRemoval, unfinishedRemovals } from './removal.ts';
import { cancelOpenDeliveries } from './webhooks.ts';

/** How long what is no longer needed is kept. */
export interface Retention {
  /** Events and their deliveries, from the end of the last one. @default 30 */
  readonly endedDays: number;
  /** Deliveries behind a closed gate; then they are cancelled. @default 30 */
  readonly parkedDays: number;
  /** Raw messages and bodies of an event that is kept longer than this. @default 75 */
  readonly blobDays: number;
}

/** What is kept when only the days of events and deliveries are given: parked ones as long, their bytes a good deal longer. */
export function retentionOf(days: number): Retention {
  return { endedDays: days, parkedDays: days, blobDays: blobRetentionDays(days) };
}

/** What is kept unless the settings say otherwise. */
export const RETENTION: Retention = retentionOf(DEFAULT_RETENTION_DAYS);

const DAY_MS = 86_400_000;
/** Events judged in one step, and the steps of one call: the rest has time until the next. */
const SLICE_EVENTS = 100;
const MAX_SLICES = 200;

interface OldEvent extends EventParts {
  readonly committed_at: number;
  readonly open: number;
  readonly ended_at: number | null;
  readonly outstanding: number;
  /** A POP3 event whose UIDL no saved ledger is known to have: without the event it would count as new. */
  readonly is_ledger: number;
}

interface Limits {
  readonly endedBeforeMs: number;
  readonly parkedBeforeMs: number;
  readonly blobsBeforeMs: number;
  readonly nowMs: number;
}

/** Where the walk over old events stands; it begins anew when it has seen them all. */
interface Walk {
  committedAt: number;
  seq: number;
}

/** Clears away, step by step, what is old, and what a crash left half removed. */
export function createRetention(context: StoreContext, retention: Retention) {
  const walk: Walk = { committedAt: 0, seq: 0 };
  return {
    /** Ends early when `goOn` says so; resolves when there is nothing left to do, or enough was done for once. */
    async expire(now: Date, goOn: () => boolean): Promise<void> {
      const nowMs = now.getTime();
      for (const id of unfinishedRemovals(context.database)) await finishRemoval(context, id, goOn);
      for (const id of webhooksThatAreGone(context.database)) {
        if (goOn()) await cancelOpenDeliveries(context, id, nowMs, goOn);
      }
      const limits = {
        endedBeforeMs: nowMs - retention.endedDays * DAY_MS,
        parkedBeforeMs: nowMs - retention.parkedDays * DAY_MS,
        blobsBeforeMs: nowMs - retention.blobDays * DAY_MS,
        nowMs,
      };
      for (let slice = 0; slice < MAX_SLICES && goOn(); slice++) {
        if (await isWalkOver(context, walk, limits)) return;
      }
    },
  };
}

/** Webhooks that have open deliveries but are not there: their removal was cut off, or a commit came too late for it. */
function webhooksThatAreGone(database: Database): WebhookId[] {
  const gone: WebhookId[] = [];
  for (const state of ['pending', 'parked']) {
    let last: WebhookId | '' = '';
    for (;;) {
      // From webhook to webhook through the index, not from delivery to delivery.
      const next: WebhookId | null | undefined = database.get<{ id: WebhookId | null }>(
        `SELECT min(webhook_id) AS id FROM deliveries INDEXED BY deliveries_state
         WHERE state = ? AND state <> 'delivered' AND webhook_id > ?`,
        state,
        last,
      )?.id;
      if (next == null) break;
      if (database.get('SELECT 1 FROM webhooks WHERE id = ?', next) === undefined) gone.push(next);
      last = next;
    }
  }
  return gone;
}

/** Judges the next old events; true when there are no more of them. */
async function isWalkOver({ database, writer }: StoreContext, walk: Walk, limits: Limits): Promise<boolean> {
  const committedBeforeMs = Math.max(limits.endedBeforeMs, limits.parkedBeforeMs, limits.blobsBeforeMs);
  const events = oldEvents(database, walk, committedBeforeMs);
  const last = events.at(-1);
  const over = last === undefined || events.length < SLICE_EVENTS;
  const touched = events.filter((event) => isAffected(event, limits));
  if (touched.length > 0) {
    await writer.write(() => {
      // What was read before may have changed since.
      for (const { seq } of touched) {
        const event = oldEvent(database, seq);
        if (event !== undefined) applyLimits(database, event, limits);
      }
    });
  }
  walk.committedAt = over ? 0 : last.committed_at;
  walk.seq = over ? 0 : last.seq;
  return over;
}

const SELECT_OLD = `
SELECT e.seq, e.raw, e.body, e.committed_at, e.open, e.ended_at,
  EXISTS (SELECT 1 FROM settlements s WHERE s.event = e.seq AND s.due_at IS NOT NULL) AS outstanding,
  e.uidl IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM cursors c WHERE c.account_id = e.account_id AND c.base_saved_at > e.committed_at) AS is_ledger
FROM events e`;

function oldEvents(database: Database, walk: Walk, committedBeforeMs: number): OldEvent[] {
  return database.all<OldEvent>(
    `${SELECT_OLD} INDEXED BY events_time WHERE (e.committed_at, e.seq) > (?, ?) AND e.committed_at < ?
     ORDER BY e.committed_at, e.seq LIMIT ?`,
    walk.committedAt,
    walk.seq,
    committedBeforeMs,
    SLICE_EVENTS,
  );
}

function oldEvent(database: Database, seq: number): OldEvent | undefined {
  return database.get<OldEvent>(`${SELECT_OLD} WHERE e.seq = ?`, seq);
}

function isExpired(event: OldEvent, { endedBeforeMs }: Limits): boolean {
  if (event.open > 0 || event.outstanding !== 0 || event.is_ledger !== 0) return false;
  return event.ended_at !== null && event.ended_at < endedBeforeMs;
}

function hasOldBytes(event: OldEvent, { blobsBeforeMs }: Limits): boolean {
  return event.committed_at < blobsBeforeMs && event.body !== BYTES_GONE;
}

function isAffected(event: OldEvent, limits: Limits): boolean {
  return isExpired(event, limits) || event.open > 0 || hasOldBytes(event, limits);
}

function applyLimits(database: Database, event: OldEvent, limits: Limits): void {
  if (isExpired(event, limits)) deleteEvent(database, event, 'sweep');
  else if (event.open > 0) cancelParked(database, event.seq, limits);
  else if (hasOldBytes(event, limits)) dropBytes(database, event);
}

function cancelParked(database: Database, event: number, { parkedBeforeMs, nowMs }: Limits): void {
  const parked = database.all<DeliveryKey>(
    `SELECT seq, event, state FROM deliveries WHERE event = ? AND state = 'parked' AND parked_at < ?`,
    event,
    parkedBeforeMs,
  );
  for (const delivery of parked) cancelDelivery(database, delivery, nowMs);
}

/** The record stays, because something still depends on it; what it was made of goes. */
function dropBytes(database: Database, event: OldEvent): void {
  const bodies = database.all<{ body: string }>(
    'SELECT body FROM deliveries WHERE event = ? AND body IS NOT NULL',
    event.seq,
  );
  for (const { body } of bodies) dropBlob(database, body);
  dropBlob(database, event.raw);
  dropBlob(database, event.body);
  database.run('UPDATE deliveries SET body = NULL WHERE event = ? AND body IS NOT NULL', event.seq);
  database.run('UPDATE events SET raw = NULL, body = ? WHERE seq = ?', BYTES_GONE, event.seq);
}
