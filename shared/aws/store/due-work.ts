import type { Store, WorkRef } from '../../ports/store.ts';
import { mapAtOnce } from './at-once.ts';
import { HINT_MS, isoOf, type StoreContext } from './context.ts';
import { refOf } from './delivery-item.ts';
import { findAccountWork } from './due-account.ts';
import { findParked } from './due-webhook.ts';
import { DUE_SHARDS, duePartition } from './index-keys.ts';
import { deliveryKey } from './keys.ts';
import { type Item, text } from './marshal.ts';
import { query, type Range } from './requests.ts';
import { update } from './writes.ts';

/** What is looked at at once: each takes one request, an account or a webhook two or three. */
const LOOKS_AT_ONCE = 32;

/** As the index shows it, so that of two ticks one moves it on; and nobody attempts it. */
const AS_SEEN = 'gsi1sk = :seen';
const NOT_TAKEN = '(attribute_not_exists(claimUntil) OR claimUntil <= :now)';

/** Something due, with the time since when. */
export interface Due {
  readonly dueAt: string;
  readonly work: WorkRef;
}

/**
 * What the tick asks for: one query of the work index, and a conditional move for each thing found. The index may be behind:
 * what it shows counts only if the move finds it as it was shown.
 */
export function createWork(context: StoreContext): Pick<Store, 'dueWork'> {
  return {
    async dueWork(now, limit) {
      const due: Due[] = [];
      for (let shard = 0; shard < DUE_SHARDS && due.length < limit; shard++) {
        due.push(...(await dueOfShard(context, shard, { now, limit: limit - due.length })));
      }
      return due
        .toSorted((a, b) => (a.dueAt < b.dueAt ? -1 : Number(a.dueAt > b.dueAt)))
        .map(({ work }) => work);
    },
  };
}

async function dueOfShard(
  context: StoreContext,
  shard: number,
  { now, limit }: { readonly now: Date; readonly limit: number },
): Promise<Due[]> {
  const due: Due[] = [];
  const range: Range = {
    ...{ index: 'work', partition: duePartition(shard), pageSize: limit },
    range: { first: '0', last: now.toISOString() },
  };
  let group: Item[] = [];
  const look = async () => {
    const found = await mapAtOnce(group, LOOKS_AT_ONCE, (item) => findWork(context, item, now));
    due.push(...found.filter((one) => one !== null));
    group = [];
  };
  for await (const item of query(context, range)) {
    group.push(item);
    // No more than can be handed out: what was moved on must be.
    if (group.length >= limit - due.length) await look();
    if (due.length >= limit) return due;
  }
  await look();
  return due;
}

async function findWork(context: StoreContext, item: Item, now: Date): Promise<Due | null> {
  switch (text(item, 'pk').slice(0, 2)) {
    case 'A#':
      return await findAccountWork(context, item, now);
    case 'H#':
      return await findParked(context, item, now);
    default:
      return await findDelivery(context, item, now);
  }
}

async function findDelivery(context: StoreContext, item: Item, now: Date): Promise<Due | null> {
  const ref = refOf(item);
  const dueAt = text(item, 'gsi1sk');
  const moved = await update(context, {
    ...{ key: deliveryKey(ref), update: 'SET gsi1sk = :next', condition: `${AS_SEEN} AND ${NOT_TAKEN}` },
    values: { ':next': isoOf(now.getTime() + HINT_MS), ':seen': dueAt, ':now': now.toISOString() },
  });
  return moved.ok ? { dueAt, work: { kind: 'delivery', ref } } : null;
}
