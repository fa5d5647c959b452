import type { AccountState } from '../../account.ts';
import type { AccountId } from '../../identity.ts';
import { type Assignable, assign } from './assign.ts';
import { HINT_MS, isoOf, type StoreContext } from './context.ts';
import { dueAttributes } from './delivery-item.ts';
import type { Due } from './due-work.ts';
import { gapDueAt } from './gap-item.ts';
import { accountDueKey, accountPartition, laterSettlements, parseSettlementKey, workRange } from './keys.ts';
import { type Item, text, textOrNull, type Value } from './marshal.ts';
import { firstItems, query } from './requests.ts';
import { remove, update } from './writes.ts';

/** Items read in one request: the account's own four, and a few of what may be due. */
const PAGE_ITEMS = 24;
/** Not the settings, with the sealed credential among them: only what decides. */
const ONLY = [
  ...['sk', 'gsi1sk', 'guardUntil', 'accountState', 'leaseToken', 'leaseUntil', 'notBefore'],
  ...['backlogAt', 'host', 'gapDueAt'],
];

const AS_SEEN = 'gsi1sk = :seen';
const SAME_GUARD = 'guardUntil = :guard';
const NO_GUARD = 'attribute_not_exists(guardUntil)';

const NOT_DUE: Assignable = { gsi1pk: null, gsi1sk: null };

/** What is known of an account and its work. */
interface Look {
  readonly id: AccountId;
  readonly due: Item;
  readonly lease: Item | null;
  readonly host: string | null;
  /** The earliest work that was seen; later than now when none is due. */
  readonly earliest: string | null;
}

/**
 * An account with work that is due, and that may be polled; null when it is not. The time that the index has is a lower bound
 * (see account-due.ts): here it is put right.
 */
export async function findAccountWork(context: StoreContext, item: Item, now: Date): Promise<Due | null> {
  const id = text(item, 'pk').slice(2) as AccountId;
  const look = await lookAt(context, id, now);
  if (look === null || textOrNull(look.due, 'gsi1sk') !== text(item, 'gsi1sk')) return null;
  const { lease, host, earliest } = look;
  if (lease === null || host === null) {
    await remove(context, accountDueKey(id), AS_SEEN, { ':seen': text(item, 'gsi1sk') });
    return null;
  }
  const at = now.toISOString();
  if ((text(lease, 'accountState') as AccountState) !== 'active') {
    // It is put back when it becomes active again.
    await move(context, look, NOT_DUE);
    return null;
  }
  if (lease.leaseToken !== undefined && text(lease, 'leaseUntil') > at) return null;
  if (earliest === null || earliest > at) return await moveToNext(context, look, now);
  const notBefore = textOrNull(lease, 'notBefore');
  if (notBefore !== null && notBefore > at) {
    await move(context, look, dueAttributes(notBefore));
    return null;
  }
  const isOurs = await move(context, look, dueAttributes(isoOf(now.getTime() + HINT_MS)));
  return isOurs ? { dueAt: earliest, work: { kind: 'account', id, host } } : null;
}

/** Null when the account was taken out of what is due meanwhile. */
async function lookAt(context: StoreContext, id: AccountId, now: Date): Promise<Look | null> {
  const parts = new Map<string, Item>();
  const times: string[] = [];
  const range = {
    ...{ partition: accountPartition(id), range: workRange(now.toISOString()) },
    ...{ pageSize: PAGE_ITEMS, only: ONLY },
  };
  for await (const item of query(context, range)) {
    const time = workTime(item);
    if (time === null) parts.set(text(item, 'sk'), item);
    else times.push(time);
    // One that is due is enough.
    if (time !== null && time <= now.toISOString()) break;
  }
  const due = parts.get('DUE');
  if (due === undefined) return null;
  const lease = parts.get('LEASE') ?? null;
  const backlogAt = lease && textOrNull(lease, 'backlogAt');
  if (backlogAt !== null) times.push(backlogAt);
  const schedule = parts.get('SCHED');
  const host = schedule === undefined || !parts.has('META') ? null : text(schedule, 'host');
  return { id, due, lease, host, earliest: times.sort()[0] ?? null };
}

/** When the gap or the settlement of an item is due; null for another item. */
function workTime(item: Item): string | null {
  const key = text(item, 'sk');
  return key.startsWith('W#G#') ? gapDueAt(item) : (parseSettlementKey(key)?.dueAt ?? null);
}

/** Nothing is due: the account is due when the next work is, and not at all when there is none. */
async function moveToNext(context: StoreContext, look: Look, now: Date): Promise<null> {
  const guard = textOrNull(look.due, 'guardUntil');
  // Work was announced a moment ago and is perhaps not there yet.
  if (guard !== null && guard > now.toISOString()) return null;
  const later = { partition: accountPartition(look.id), range: laterSettlements(now.toISOString()) };
  const [settlement] = await firstItems(context, { ...later, pageSize: 1, only: ['sk'] }, 1);
  const times = [look.earliest, settlement === undefined ? null : workTime(settlement)];
  const next = times.filter((time) => time !== null).sort()[0];
  // No work may be announced meanwhile, or it would be forgotten.
  const sameGuard =
    guard === null
      ? { condition: NO_GUARD, values: {} }
      : { condition: SAME_GUARD, values: { ':guard': guard } };
  await move(context, look, next === undefined ? NOT_DUE : dueAttributes(next), sameGuard);
  return null;
}

/** Refused when another tick was here, or sooner work was announced meanwhile. */
async function move(
  context: StoreContext,
  { id, due }: Look,
  to: Assignable,
  guard: { readonly condition: string; readonly values: Readonly<Record<string, Value>> } | null = null,
): Promise<boolean> {
  const { update: expression, values } = assign(to);
  const moved = await update(context, {
    ...{ key: accountDueKey(id), update: expression },
    condition: guard === null ? AS_SEEN : `${AS_SEEN} AND ${guard.condition}`,
    values: { ...values, ...guard?.values, ':seen': text(due, 'gsi1sk') },
  });
  return moved.ok;
}
