import type { AccountId, EventId } from '../../identity.ts';
import { mapAtOnce } from './at-once.ts';
import type { Chore } from './chores.ts';
import { AT_ONCE, INDEX_LAG_MS, isoOf, type StoreContext } from './context.ts';
import { EVENT_UNCHANGED, mayExpire, stateAssignment, storedEvent } from './event-item.ts';
import { accountList } from './index-keys.ts';
import { cursorKey, eventKey } from './keys.ts';
import { type Item, text, textOrNull } from './marshal.ts';
import { firstItems, getItem, getItems, type Range } from './requests.ts';
import { update } from './writes.ts';

const EVENTS_PER_SLICE = 200;

const THERE = 'attribute_exists(pk)';

/**
 * Lets POP3 events expire whose UIDLs a saved ledger has. Those that end later see to it themselves; these ended before,
 * when no ledger had them. So young a ledger that an event may just be ending beside it waits until the next slice.
 * Resolves to when to go on, or to `over`.
 */
export async function ledgerSlice(context: StoreContext, chore: Chore, now: Date): Promise<string> {
  const id = chore.id as AccountId;
  const settled = isoOf(now.getTime() - INDEX_LAG_MS);
  const before = chore.at < settled ? chore.at : settled;
  const cursor = await getItem(context, cursorKey(id, ''), ['ledgerWalkedTo']);
  if (cursor === null) return 'over';
  const walkedTo = textOrNull(cursor, 'ledgerWalkedTo') ?? '0';
  const places = await placesOf(context, id, walkedTo, before);
  await letExpire(context, places);
  const last = places.at(-1);
  if (last !== undefined) await saveWalk(context, id, text(last, 'gsi2sk'));
  if (places.length >= EVENTS_PER_SLICE) return now.toISOString();
  return before === chore.at ? 'over' : isoOf(Date.parse(chore.at) + INDEX_LAG_MS);
}

/** The next events of an account committed before a time, the oldest first. */
async function placesOf(
  context: StoreContext,
  id: AccountId,
  after: string,
  before: string,
): Promise<Item[]> {
  const range: Range = {
    ...{ index: 'lists', partition: accountList(id), range: { first: after, last: before } },
    pageSize: EVENTS_PER_SLICE + 1,
  };
  const places = await firstItems(context, range, EVENTS_PER_SLICE + 1);
  return places.filter((place) => text(place, 'gsi2sk') !== after).slice(0, EVENTS_PER_SLICE);
}

async function letExpire(context: StoreContext, places: readonly Item[]): Promise<void> {
  const keys = places.map((place) => eventKey(text(place, 'pk').slice(2) as EventId));
  const itemOf = await getItems(context, keys);
  const { endedDays } = context.retention;
  await mapAtOnce(keys, AT_ONCE, async (key) => {
    const item = itemOf(key);
    if (item === null) return;
    const event = storedEvent(item);
    if (event.source?.protocol !== 'pop3' || !mayExpire(event, true)) return;
    const { update: expression, values } = stateAssignment(event, event, { isCovered: true, endedDays });
    // Refused when the event changes just now: then it ends later, and is let expire by whoever ends it.
    await update(context, {
      ...{ key, update: expression, condition: EVENT_UNCHANGED },
      values: { ...values, ':seen': event.revision },
    });
  });
}

async function saveWalk(context: StoreContext, id: AccountId, place: string): Promise<void> {
  await update(context, {
    ...{ key: cursorKey(id, ''), update: 'SET ledgerWalkedTo = :place', condition: THERE },
    values: { ':place': place },
  });
}
