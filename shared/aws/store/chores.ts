import type { AccountId, WebhookId } from '../../identity.ts';
import { INDEX_LAG_MS, isoOf } from './context.ts';
import { CHORES, type ChoreKind, choreKey, type Key } from './keys.ts';
import { attributes, type Item, jsonOrNull, text } from './marshal.ts';
import { getItem, keyOf, query, type Table } from './requests.ts';
import { remove, update, type Write } from './writes.ts';

/**
 * A chore is work that may take longer than one request: it is written down in the transaction that makes it necessary, and
 * done in slices, by whoever asked for it and by the tick. Whoever works on one holds it, so that no two do.
 *
 *     written        taken          given back                       notBefore
 *        |── to do ────|── held ──────|── watched: once more looked at ──|── gone when nothing is left
 */
export interface Chore {
  readonly key: Key;
  readonly kind: ChoreKind;
  /** What it is about. */
  readonly id: string;
  /** When it was written, or up to which time it is to be done. */
  readonly at: string;
  /** Whether all that is to be seen was done, and only what the index may have hidden is still looked for. */
  readonly isWatched: boolean;
  /** The logins that a removed account ever had; none of other chores. */
  readonly logins: readonly AccountId[];
}

/** A slice takes seconds; whoever holds a chore so long has died. */
const HOLD_MS = 60_000;

const NOT_HELD = '(attribute_not_exists(heldUntil) OR heldUntil <= :now)';
const THERE = 'attribute_exists(pk)';
const HELD_BY_US = 'holder = :holder';

/** Writes down what is left to do when an account or a webhook is removed. */
export function removalChore(
  kind: 'account' | 'webhook',
  id: AccountId | WebhookId,
  now: Date,
  logins: readonly AccountId[] = [],
): Write {
  const at = now.toISOString();
  const item = { ...choreKey(kind, id), choreAt: at, notBefore: at };
  return { kind: 'put', item: attributes({ ...item, logins: JSON.stringify(logins) }) };
}

/** Writes down that the events of a POP3 account that its ledger has now may expire. */
export function ledgerChore(id: AccountId, now: Date): Write {
  return {
    ...{ kind: 'update', key: choreKey('ledger', id) },
    update: 'SET choreAt = :at, notBefore = if_not_exists(notBefore, :later)',
    values: { ':at': now.toISOString(), ':later': isoOf(now.getTime() + INDEX_LAG_MS) },
  };
}

/** The chore of an item. */
function choreOf(item: Item): Chore {
  const key = keyOf(item);
  const [, kind = '', id = ''] = key.sk.split('#');
  const at = text(item, 'choreAt');
  const logins = jsonOrNull<AccountId[]>(item, 'logins') ?? [];
  return { key, kind: kind as ChoreKind, id, at, isWatched: item.watched !== undefined, logins };
}

/** All chores that are to be done at this time. */
export async function dueChores(table: Table, now: Date): Promise<Chore[]> {
  const due: Chore[] = [];
  const { pk: partition, first, last } = CHORES;
  for await (const item of query(table, { partition, range: { first, last } })) {
    if (text(item, 'notBefore') <= now.toISOString()) due.push(choreOf(item));
  }
  return due;
}

/** Takes a chore for a slice of it; the chore as it is now, null when it is gone or somebody else works on it. */
export async function holdChore(table: Table, key: Key, holder: string, now: Date): Promise<Chore | null> {
  const held = await update(table, {
    ...{ key, update: 'SET holder = :holder, heldUntil = :until', condition: `${THERE} AND ${NOT_HELD}` },
    values: { ':holder': holder, ':until': isoOf(now.getTime() + HOLD_MS), ':now': now.toISOString() },
  });
  return held.ok ? choreOf(held.item) : null;
}

/** Gives a chore back of which something is left, to be gone on with from the given time. */
export async function putOffChore(
  table: Table,
  { key }: Chore,
  holder: string,
  next: { readonly notBefore: string; readonly isWatched: boolean },
): Promise<void> {
  await update(table, {
    key,
    update: `SET notBefore = :next${next.isWatched ? ', watched = :yes' : ''} REMOVE holder, heldUntil`,
    condition: HELD_BY_US,
    values: { ':next': next.notBefore, ':holder': holder, ...(next.isWatched && { ':yes': 1 }) },
  });
}

/** Ends a chore; one that was written anew meanwhile is given back. */
export async function endChore(table: Table, chore: Chore, holder: string): Promise<void> {
  const values = { ':holder': holder, ':at': chore.at };
  const ended = await remove(table, chore.key, `${HELD_BY_US} AND choreAt = :at`, values);
  if (!ended.ok) await putOffChore(table, chore, holder, { notBefore: chore.at, isWatched: false });
}

/** Whether something of a removed account is left to be removed that can be seen. */
export async function isBeingRemoved(table: Table, id: AccountId): Promise<boolean> {
  const chore = await getItem(table, choreKey('account', id), ['watched', 'choreAt']);
  return chore !== null && chore.watched === undefined;
}

/** What lets an account be created: nothing of an earlier one of this id is left to be removed. */
export function notBeingRemoved(id: AccountId): Write {
  return {
    ...{ kind: 'check', key: choreKey('account', id) },
    condition: 'attribute_not_exists(pk) OR attribute_exists(watched)',
  };
}
