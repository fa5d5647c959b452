import type { AccountId, EventId, Source } from '../../identity.ts';
import type { Page, PageRequest } from '../../ports/lists.ts';
import type { Listed } from '../../ports/mail-source.ts';
import {
  type Fence,
  type Gap,
  MAX_POLL_WORK,
  type Progress,
  type Settlement,
  type Store,
  type WorkKey,
} from '../../ports/store.ts';
import type { SettlementCause } from '../../settlement.ts';
import type { PackLookup } from '../blob-rows.ts';
import type { Database } from '../database.ts';
import { refreshAccountDue } from './account-due.ts';
import { actionOf } from './account-row.ts';
import type { StoreContext } from './context.ts';
import { cursorsOf, saveCursor } from './cursors.ts';
import { type SourceColumns, sourceOf } from './event-row.ts';
import { holdsLease } from './leases.ts';
import { cursorOf, limitOf, placeOf as placeIn } from './paging.ts';
import { closeSettlement, rescheduleSettlement } from './settlements.ts';

interface GapRow {
  readonly seq: number;
  readonly item: string;
  readonly attempts: number;
  readonly opened_at: number;
  readonly due_at: number;
  readonly error: string;
}

const GAP_COLUMNS = 'seq, item, attempts, opened_at, due_at, error';

interface SettlementRow extends SourceColumns {
  readonly event: number;
  readonly slot: string;
  readonly event_id: EventId;
  readonly cause: SettlementCause;
  readonly action: string;
  readonly attempts: number;
  readonly due_at: number;
  readonly ended_at: number;
}

/** What a poll reads before it begins and writes as it goes on. */
export function createPollState({
  database,
  writer,
  packs,
}: StoreContext): Pick<Store, 'pollState' | 'gaps' | 'saveProgress'> {
  return {
    async pollState(id, now) {
      return {
        cursors: cursorsOf(database, id),
        gaps: earliestGaps(database, id),
        settlements: dueSettlements(database, id, now.getTime()),
      };
    },
    async gaps(id, page) {
      return gapPage(database, id, page);
    },
    saveProgress: (fence, progress, now) =>
      writer.write(() => saveProgress(database, packs, { fence, progress, nowMs: now.getTime() })),
  };
}

function earliestGaps(database: Database, id: AccountId): Gap[] {
  const rows = database.all<GapRow>(
    `SELECT ${GAP_COLUMNS} FROM gaps WHERE account_id = ? ORDER BY due_at, seq LIMIT ?`,
    id,
    MAX_POLL_WORK,
  );
  return rows.map(gapOf);
}

function gapPage(database: Database, id: AccountId, page: PageRequest): Page<Gap> {
  const limit = limitOf(page);
  const rows = database.all<GapRow>(
    `SELECT ${GAP_COLUMNS} FROM gaps WHERE account_id = ? AND seq > ? ORDER BY seq LIMIT ?`,
    id,
    placeIn('g', page.after)?.seq ?? 0,
    limit + 1,
  );
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { data: shown.map(gapOf), next: more ? cursorOf('g', { timeMs: 0, seq: last.seq }) : null };
}

function gapOf(row: GapRow): Gap {
  return {
    key: `gap:${row.seq}` as WorkKey,
    item: JSON.parse(row.item) as Listed,
    attempts: row.attempts,
    openedAt: new Date(row.opened_at),
    dueAt: new Date(row.due_at),
    error: row.error,
  };
}

function dueSettlements(database: Database, id: AccountId, nowMs: number): Settlement[] {
  const rows = database.all<SettlementRow>(
    `SELECT s.event, s.slot, s.cause, s.action, s.attempts, s.due_at,
       e.id AS event_id, coalesce(e.ended_at, s.due_at) AS ended_at, e.mailbox, e.uid_validity, e.uid, e.uidl
     FROM settlements s JOIN events e ON e.seq = s.event
     WHERE s.account_id = ? AND s.due_at <= ? ORDER BY s.due_at, s.event LIMIT ?`,
    id,
    nowMs,
    MAX_POLL_WORK,
  );
  return rows.flatMap((row) => {
    const source = sourceOf(row);
    if (source === null) return [];
    return {
      key: `settlement:${row.event}:${row.slot}` as WorkKey,
      eventId: row.event_id,
      source,
      cause: row.cause,
      action: actionOf(row.action),
      attempts: row.attempts,
      dueAt: new Date(row.due_at),
      endedAt: new Date(row.ended_at),
    };
  });
}

function saveProgress(
  database: Database,
  packs: PackLookup,
  { fence, progress, nowMs }: { fence: Fence; progress: Progress; nowMs: number },
): 'ok' | 'fenced' {
  if (!holdsLease(database, fence)) return 'fenced';
  const { accountId } = fence;
  if (progress.cursor !== null) saveCursor(database, packs, { accountId, cursor: progress.cursor, nowMs });
  for (const { item, dueAt, error } of progress.opened) {
    database.run(
      `INSERT INTO gaps (account_id, place, item, attempts, opened_at, due_at, error) VALUES (?, ?, ?, 0, ?, ?, ?)
       ON CONFLICT (account_id, place) DO NOTHING`,
      accountId,
      placeOf(item.source),
      JSON.stringify(item),
      nowMs,
      dueAt.getTime(),
      error,
    );
  }
  for (const { key, dueAt, error } of progress.rescheduled) {
    const work = parseWorkKey(key);
    if (work?.kind === 'settlement') {
      rescheduleSettlement(database, accountId, work, { dueAtMs: dueAt.getTime(), reason: error });
    }
    if (work?.kind !== 'gap') continue;
    database.run(
      'UPDATE gaps SET attempts = attempts + 1, due_at = ?, error = ? WHERE seq = ? AND account_id = ?',
      dueAt.getTime(),
      error,
      work.seq,
      accountId,
    );
  }
  for (const { key, as, reason = null } of progress.closed) {
    const work = parseWorkKey(key);
    if (work?.kind === 'settlement') closeSettlement(database, accountId, work, { as, reason, nowMs });
    if (work?.kind === 'gap') {
      database.run('DELETE FROM gaps WHERE seq = ? AND account_id = ?', work.seq, accountId);
    }
  }
  const work = progress.opened.length + progress.rescheduled.length + progress.closed.length;
  if (work > 0) refreshAccountDue(database, accountId);
  return 'ok';
}

/** The text under which a message can have one gap. */
function placeOf(source: Source): string {
  return source.protocol === 'imap'
    ? `imap:${source.uidValidity}:${source.uid}:${source.mailbox}`
    : `pop3:${source.uidl}`;
}

type Work =
  | { readonly kind: 'gap'; readonly seq: number }
  | { readonly kind: 'settlement'; readonly event: number; readonly slot: string };

function parseWorkKey(key: WorkKey): Work | null {
  const gap = /^gap:(\d{1,15})$/.exec(key);
  if (gap !== null) return { kind: 'gap', seq: Number(gap[1]) };
  const settlement = /^settlement:(\d{1,15}):([a-z]+)$/.exec(key);
  if (settlement === null) return null;
  return { kind: 'settlement', event: Number(settlement[1]), slot: settlement[2] ?? '' };
}
