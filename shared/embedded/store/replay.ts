import type { DeliveryRef } from '../../identity.ts';
import type { BlobRef } from '../../ports/blobs.ts';
import type { Store } from '../../ports/store.ts';
import type { Database } from '../database.ts';
import type { StoreContext } from './context.ts';
import { countDeliveries, countInEvent, type DeliveryKey } from './delivery-state.ts';
import { BYTES_GONE } from './event-removal.ts';
import { withdrawSettlements } from './settlements.ts';
import { webhookRow } from './webhook-row.ts';

/** How a delivery is made again. */
export function createReplay({ database, writer }: StoreContext): Pick<Store, 'replay'> {
  return {
    replay: (ref, trigger, now) => writer.write(() => replay(database, ref, trigger, now.getTime())),
  };
}

function replay(
  database: Database,
  ref: DeliveryRef,
  trigger: 'retry' | 'replay',
  nowMs: number,
): 'ok' | 'gone' {
  const event = database.get<{
    seq: number;
    body: BlobRef;
    account_id: Parameters<typeof withdrawSettlements>[2];
  }>('SELECT seq, body, account_id FROM events WHERE id = ?', ref.eventId);
  if (event === undefined || webhookRow(database, ref.webhookId) === undefined) return 'gone';
  // A very old event may outlive its bytes.
  if (event.body === BYTES_GONE) return 'gone';
  const row = database.get<DeliveryKey>(
    'SELECT seq, event, state FROM deliveries WHERE event = ? AND webhook_id = ?',
    event.seq,
    ref.webhookId,
  );
  if (row === undefined) insert(database, event.seq, ref, trigger, nowMs);
  else restart(database, row, trigger, nowMs);
  countInEvent(database, event.seq, { from: row?.state ?? null, to: 'pending' }, nowMs);
  withdrawSettlements(database, event.seq, event.account_id);
  return 'ok';
}

/** There is no hint, so the tick is to find it at once. */
function insert(
  database: Database,
  event: number,
  { webhookId }: DeliveryRef,
  trigger: string,
  nowMs: number,
): void {
  database.run(
    `INSERT INTO deliveries (event, webhook_id, state, trigger, next_attempt_at, due_at, created_at)
     VALUES (?1, ?2, 'pending', ?3, ?4, ?4, ?4)`,
    event,
    webhookId,
    trigger,
    nowMs,
  );
  countDeliveries(database, null, 'pending');
}

/** An attempt under way loses its claim: the new schedule begins now. */
function restart(database: Database, row: DeliveryKey, trigger: string, nowMs: number): void {
  database.run(
    `UPDATE deliveries SET state = 'pending', trigger = ?1, attempt_count = 0, next_attempt_at = ?2, due_at = ?2,
       claim_token = NULL, claim_until = NULL, parked_at = NULL, ended_at = NULL WHERE seq = ?3`,
    trigger,
    nowMs,
    row.seq,
  );
  countDeliveries(database, row.state, 'pending');
}
