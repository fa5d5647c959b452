import { messageState } from '../../event.ts';
import type { AccountId } from '../../identity.ts';
import type { MessageFilter, MessageView, Page, PageRequest } from '../../ports/lists.ts';
import type { Store } from '../../ports/store.ts';
import type { Database } from '../database.ts';
import { isoOf, type StoreContext } from './context.ts';
import { type DeliveryRow, deliveryOf, SELECT_DELIVERIES } from './delivery-row.ts';
import { BYTES_GONE } from './event-removal.ts';
import { type EventRow, eventOf } from './event-row.ts';
import { cursorOf, limitOf } from './paging.ts';
import { type Scanned, scan } from './scan.ts';
import { settlementStatus } from './settlements.ts';

interface Candidate extends Scanned {
  readonly account_id: AccountId;
  readonly mailbox: string | null;
  readonly type: string;
  readonly open: number;
  readonly delivered: number;
  readonly failed: number;
}

/** The lists of messages. */
export function createMessages({
  database,
  clock,
}: StoreContext): Pick<Store, 'message' | 'messages' | 'linked'> {
  return {
    async message(id) {
      const row = database.get<EventRow>('SELECT * FROM events WHERE id = ?', id);
      return row === undefined ? null : viewOf(database, row, clock.now().getTime());
    },
    async linked(id) {
      const row = database.get<EventRow>('SELECT * FROM events WHERE id = ?', id);
      if (row === undefined || row.body === BYTES_GONE) return null;
      const { link_token: linkToken, committed_at: committedAt, size_bytes: sizeBytes, raw, body } = row;
      return { id: row.id, linkToken, committedAt: isoOf(committedAt), sizeBytes, raw, body };
    },
    messages: (filter, page) => messagePage(database, filter, page, () => clock.now().getTime()),
  };
}

async function messagePage(
  database: Database,
  filter: MessageFilter,
  page: PageRequest,
  nowMs: () => number,
): Promise<Page<MessageView>> {
  const limit = limitOf(page);
  const found = await scan<Candidate>(database, {
    list: 'm',
    select: `SELECT seq, committed_at AS time_ms, account_id, mailbox, type, open, delivered, failed FROM events`,
    time: 'committed_at',
    ...rangeOf(filter),
    sinceMs: filter.since?.getTime() ?? null,
    after: page.after,
    matches: (row) =>
      row.mailbox !== null &&
      (filter.accountId === undefined || row.account_id === filter.accountId) &&
      (filter.state === undefined || messageState(row) === filter.state),
    count: limit + 1,
  });
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  const data = shown.flatMap(({ seq }) => {
    const row = database.get<EventRow>('SELECT * FROM events WHERE seq = ?', seq);
    return row === undefined ? [] : viewOf(database, row, nowMs());
  });
  const more = found.length > limit && last !== undefined;
  return { data, next: more ? cursorOf('m', { timeMs: last.time_ms, seq: last.seq }) : null };
}

const BY_STATE = {
  pending: {
    index: 'events_pending',
    where: `open > 0 AND mailbox IS NOT NULL AND type <> 'message.quarantined'`,
  },
  failed: { index: 'events_failed', where: 'failed > 0' },
  ignored: { index: 'events_ignored', where: 'open = 0 AND delivered = 0 AND failed = 0' },
  quarantined: { index: 'events_quarantined', where: `type = 'message.quarantined'` },
} as const;

/** The smallest part of the table, kept in order by an index, that has all that is asked for. */
function rangeOf({ accountId, state }: MessageFilter): {
  index: string;
  where: string;
  parameters: string[];
} {
  if (state !== undefined && state !== 'delivered') return { ...BY_STATE[state], parameters: [] };
  if (accountId === undefined) return { index: 'events_time', where: 'TRUE', parameters: [] };
  return { index: 'events_account', where: 'account_id = ?', parameters: [accountId] };
}

function viewOf(database: Database, row: EventRow, nowMs: number): MessageView {
  const deliveries = database.all<DeliveryRow>(
    `${SELECT_DELIVERIES} WHERE d.event = ? ORDER BY d.seq`,
    row.seq,
  );
  return {
    event: eventOf(row, settlementStatus(database, row, nowMs)),
    deliveries: deliveries.map(deliveryOf),
  };
}
