import type { DeliveryState } from '../../delivery.ts';
import { dropBlob } from '../blob-rows.ts';
import type { Database } from '../database.ts';
import { countDeliveries } from './delivery-state.ts';

/** What it takes to delete an event. */
export interface EventParts {
  readonly seq: number;
  readonly raw: string | null;
  readonly body: string;
}

/** Stands in the place of an event's body when the bytes were dropped before the event. */
export const BYTES_GONE = '';

/** Deletes an event with its deliveries, its settlements and its blobs, inside a write. */
export function deleteEvent(database: Database, event: EventParts, blobs: 'sweep' | 'erase'): void {
  const deliveries = database.all<{ state: DeliveryState; body: string | null }>(
    'SELECT state, body FROM deliveries WHERE event = ?',
    event.seq,
  );
  for (const { state, body } of deliveries) {
    countDeliveries(database, state, null);
    dropBlob(database, body, blobs);
  }
  if (deliveries.length > 0) database.run('DELETE FROM deliveries WHERE event = ?', event.seq);
  database.run('DELETE FROM settlements WHERE event = ?', event.seq);
  database.run('DELETE FROM events WHERE seq = ?', event.seq);
  dropBlob(database, event.raw, blobs);
  dropBlob(database, event.body, blobs);
}
