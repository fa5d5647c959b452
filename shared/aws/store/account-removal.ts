import type { AccountId, EventId } from '../../identity.ts';
import type { Store } from '../../ports/store.ts';
import { readAccount } from './account-item.ts';
import { mapAtOnce } from './at-once.ts';
import { runChore } from './chore-runner.ts';
import { type Chore, removalChore } from './chores.ts';
import { AT_ONCE, isoOf, nameKeyOf, type StoreContext } from './context.ts';
import { CountChanges } from './delivery-counts.ts';
import { isDelivery, stateOf } from './delivery-item.ts';
import { accountList } from './index-keys.ts';
import {
  accountDueKey,
  accountKey,
  accountPartition,
  beginningWith,
  choreKey,
  digestPartition,
  eventPartition,
  type Key,
  leaseKey,
  listPartition,
  loginKeys,
  nameKey,
  scheduleKey,
} from './keys.ts';
import { text, textOrNull } from './marshal.ts';
import { deleteItems, firstItems, getItem, keyOf, type Range } from './requests.ts';
import { persist } from './retry.ts';
import { remove, transact, update, type Write } from './writes.ts';

/** Slices that a removal does itself, of 200 events each; the tick does the rest. */
const SLICES_AT_ONCE = 10;
const EVENTS_PER_SLICE = 200;
const ITEMS_PER_SLICE = 2_000;
/** So long nobody polls an account whose cursors are being dropped, should that be cut off. */
const DROP_HOLD_MS = 60_000;

const UNCHANGED = 'revision = :revision';
const THERE = 'attribute_exists(pk)';
const HELD = 'leaseToken = :token';
const OWN = 'ownerId = :owner';

/** How accounts end. */
export function createAccountRemoval(context: StoreContext): Pick<Store, 'removeAccount' | 'dropCursors'> {
  return {
    async removeAccount(id) {
      if (!(await markRemoved(context, id))) return 'gone';
      await runChore(context, choreKey('account', id), { slices: SLICES_AT_ONCE });
      return 'ok';
    },
    dropCursors: (id) => dropCursors(context, id),
  };
}

/**
 * Removes the account itself and everything by which it is found, polled or written to, and writes down in the same
 * transaction that its events are still to go: there may be millions. Its logins stay taken until they are gone. False when it
 * is not there.
 */
async function markRemoved(context: StoreContext, id: AccountId): Promise<boolean> {
  return await persist<boolean>(context, 'remove an account', async () => {
    const stored = await readAccount(context, id);
    if (stored === null) return false;
    const { account, place, revision, logins } = stored;
    const keys: Key[] = [
      ...[leaseKey(id), accountDueKey(id), scheduleKey(id), { pk: listPartition('account'), sk: place }],
      nameKey('account', nameKeyOf(account.name)),
    ];
    const refusals = await transact(context, [
      {
        ...{ kind: 'delete', key: accountKey(id), condition: UNCHANGED },
        values: { ':revision': revision },
      },
      ...keys.map((key): Write => ({ kind: 'delete', key })),
      removalChore('account', id, context.clock.now(), logins),
    ]);
    return refusals.length === 0 ? true : null;
  });
}

/** Removes the next events of a removed account, and at last the rest; true when there is no more to be seen. */
export async function removalSlice(
  context: StoreContext,
  { id, at, isWatched, logins }: Chore,
): Promise<boolean> {
  const accountId = id as AccountId;
  // Once nothing was to be seen any more, the account may have been created again: what was committed since is of the new one.
  const isThere = isWatched && (await getItem(context, accountKey(accountId), ['pk'])) !== null;
  const events = await eventsOf(context, accountId, isThere ? at : null);
  await removeEvents(context, events);
  if (events.length >= EVENTS_PER_SLICE) return false;
  if (isWatched) return true;
  for (const partition of [accountPartition(accountId), digestPartition(accountId)]) {
    if (!(await removePartition(context, { partition }))) return false;
  }
  // Nobody else has taken them: who wants one has this removal ended first.
  for (const key of loginKeys(logins)) await remove(context, key, OWN, { ':owner': id });
  return true;
}

/** The newest first: of what is left of a removed account the deliveries are the sooner gone the less they are done. */
async function eventsOf(context: StoreContext, id: AccountId, until: string | null): Promise<EventId[]> {
  const range: Range = {
    ...{ index: 'lists', partition: accountList(id), descending: true, pageSize: EVENTS_PER_SLICE },
    ...(until !== null && { range: { first: '0', last: `${until}#~` } }),
  };
  const places = await firstItems(context, range, EVENTS_PER_SLICE);
  return places.map((place) => text(place, 'pk').slice(2) as EventId);
}

/** The deliveries go before their events, by which they are found again after a crash. */
async function removeEvents(context: StoreContext, events: readonly EventId[]): Promise<void> {
  const counts = new CountChanges();
  const only = ['pk', 'sk', 'itemState', 'endedAt'];
  const found = await mapAtOnce(events, AT_ONCE, async (id) => {
    const items = await firstItems(context, { partition: eventPartition(id), only });
    for (const item of items.filter(isDelivery)) counts.add(stateOf(item), textOrNull(item, 'endedAt'), -1);
    return items;
  });
  const items = found.flat();
  await deleteItems(context, items.filter(isDelivery).map(keyOf));
  await deleteItems(context, items.filter((item) => !isDelivery(item)).map(keyOf));
  await counts.save(context);
}

/** Deletes items of a range, slice by slice; true when none is left. */
async function removePartition(context: StoreContext, range: Range): Promise<boolean> {
  const items = await firstItems(context, { ...range, only: ['pk', 'sk'] }, ITEMS_PER_SLICE);
  await deleteItems(context, items.map(keyOf));
  return items.length < ITEMS_PER_SLICE;
}

/** Under a lease of its own: a poll that ran meanwhile would bring the cursors back. */
async function dropCursors(context: StoreContext, id: AccountId): Promise<void> {
  const token = context.newToken();
  const until = isoOf(context.clock.now().getTime() + DROP_HOLD_MS);
  const taken = await update(context, {
    ...{ key: leaseKey(id), update: 'SET leaseToken = :token, leaseUntil = :until', condition: THERE },
    values: { ':token': token, ':until': until },
  });
  if (!taken.ok) return;
  for (const prefix of ['C#', 'W#G#']) {
    const range: Range = { partition: accountPartition(id), range: beginningWith(prefix) };
    while (!(await removePartition(context, range)));
  }
  await update(context, {
    ...{ key: leaseKey(id), update: 'REMOVE leaseToken, leaseUntil', condition: HELD },
    values: { ':token': token },
  });
}
