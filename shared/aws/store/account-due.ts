import type { AccountId } from '../../identity.ts';
import { HINT_MS, isoOf } from './context.ts';
import { duePartition } from './index-keys.ts';
import { accountDueKey } from './keys.ts';
import { text } from './marshal.ts';
import type { Table } from './requests.ts';
import { update } from './writes.ts';

/**
 * An account is among what is due from a time that is never later than its earliest work, and may be earlier: the tick that
 * finds it reads what there is and puts the time right. So whoever makes work only has to make the time early enough, with
 * one write that no other stands in the way of, and whoever does work writes nothing.
 *
 *     announced            work written                              guard ends
 *        |──────────────────────|───────────────────────────────────────|
 *        |    the tick finds nothing, and leaves the account where it is |  the tick finds nothing, and takes it out
 *
 * The announcement comes before the work, so that a crash between the two costs a look for nothing, and not the work. The
 * guard is much longer than a transaction takes.
 */
const GUARD_MS = HINT_MS;

const EARLIER = 'gsi1sk > :at';
const IS_DUE_LATER = 'attribute_exists(gsi1pk) AND gsi1sk > :at';

/** Makes sure that an account is due at the given time or before. One write; two when it was due later. */
export async function announceWork(table: Table, id: AccountId, dueAt: string, now: Date): Promise<void> {
  const key = accountDueKey(id);
  const announced = await update(table, {
    key,
    update:
      'SET gsi1pk = if_not_exists(gsi1pk, :due), gsi1sk = if_not_exists(gsi1sk, :at), guardUntil = :guard',
    values: { ':due': duePartition(), ':at': dueAt, ':guard': isoOf(now.getTime() + GUARD_MS) },
  });
  if (announced.ok && text(announced.item, 'gsi1sk') <= dueAt) return;
  await update(table, {
    key,
    update: 'SET gsi1sk = :at',
    condition: EARLIER,
    values: { ':at': dueAt },
  });
}

/** Makes an account due at a time if it is due later; one with no work stays out of it. */
export async function hasten(table: Table, id: AccountId, at: string): Promise<void> {
  await update(table, {
    key: accountDueKey(id),
    update: 'SET gsi1sk = :at',
    condition: IS_DUE_LATER,
    values: { ':at': at },
  });
}
