import type { Delivery } from '../../delivery.ts';
import type { DeliveryFilter, Page, PageRequest } from '../../ports/lists.ts';
import type { Store } from '../../ports/store.ts';
import type { Database } from '../database.ts';
import type { StoreContext } from './context.ts';
import { type DeliveryRow, deliveryOf, SELECT_DELIVERIES } from './delivery-row.ts';
import { cursorOf, limitOf } from './paging.ts';
import { type Scanned, scan } from './scan.ts';

interface Candidate extends Scanned {
  readonly state: Delivery['state'];
}

/** The lists of deliveries. */
export function createDeliveries({ database }: StoreContext): Pick<Store, 'delivery' | 'deliveries'> {
  return {
    async delivery(ref) {
      const row = database.get<DeliveryRow>(
        `${SELECT_DELIVERIES} AND d.webhook_id = ?2 WHERE e.id = ?1`,
        ref.eventId,
        ref.webhookId,
      );
      return row === undefined ? null : deliveryOf(row);
    },
    deliveries: (filter, page) => deliveryPage(database, filter, page),
  };
}

async function deliveryPage(
  database: Database,
  filter: DeliveryFilter,
  page: PageRequest,
): Promise<Page<Delivery>> {
  const limit = limitOf(page);
  const found = await scan<Candidate>(database, {
    list: 'd',
    select: 'SELECT seq, created_at AS time_ms, state FROM deliveries',
    time: 'created_at',
    ...rangeOf(filter),
    sinceMs: filter.since?.getTime() ?? null,
    after: page.after,
    matches: (row) => filter.state === undefined || row.state === filter.state,
    count: limit + 1,
  });
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  const data = shown.flatMap(({ seq }) => {
    const row = database.get<DeliveryRow>(`${SELECT_DELIVERIES} WHERE d.seq = ?`, seq);
    return row === undefined ? [] : deliveryOf(row);
  });
  const more = found.length > limit && last !== undefined;
  return { data, next: more ? cursorOf('d', { timeMs: last.time_ms, seq: last.seq }) : null };
}

/** The smallest part of the table, kept in order by an index, that has all that is asked for. */
function rangeOf({ webhookId, state }: DeliveryFilter): {
  index: string;
  where: string;
  parameters: string[];
} {
  if (state !== undefined && state !== 'delivered') {
    const ofState = {
      index: 'deliveries_state',
      where: `state = ? AND state <> 'delivered'`,
      parameters: [state],
    };
    if (webhookId === undefined) return ofState;
    return { ...ofState, where: `${ofState.where} AND webhook_id = ?`, parameters: [state, webhookId] };
  }
  if (webhookId === undefined) return { index: 'deliveries_time', where: 'TRUE', parameters: [] };
  return { index: 'deliveries_webhook', where: 'webhook_id = ?', parameters: [webhookId] };
}
