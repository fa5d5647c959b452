import type { AccountId } from '../../identity.ts';
import type { Page, PageRequest } from '../../ports/lists.ts';
import type { Cursor } from '../../ports/mail-source.ts';
import { type Gap, MAX_POLL_WORK, type Store } from '../../ports/store.ts';
import type { AccountDocument } from './account-item.ts';
import type { StoreContext } from './context.ts';
import { cursorOf } from './cursor-item.ts';
import { gapOf } from './gap-item.ts';
import { accountPartition, beginningWith, GAP_SORT, pollRange } from './keys.ts';
import { type Item, json, number, text } from './marshal.ts';
import { limitOf, cursorOf as pageCursorOf, placeOf } from './paging.ts';
import { query } from './requests.ts';
import { settlementOf } from './settlements.ts';

/** What a poll reads before it begins, and the rest of it where there is more than a poll is given. */
export function createPollState(context: StoreContext): Pick<Store, 'pollState' | 'gaps'> {
  return {
    gaps: (id, page) => gapPage(context, id, page),
    async pollState(id, now) {
      const { items, gaps } = await readRange(context, id, now);
      const lease = items.find((item) => text(item, 'sk') === 'LEASE');
      const meta = items.find((item) => text(item, 'sk') === 'META');
      // Nothing is left of a removed account, or nothing that anybody may poll.
      if (lease === undefined || meta === undefined) return { cursors: [], gaps: [], settlements: [] };
      const { protocol } = json<AccountDocument>(meta, 'account');
      const cursors = of(items, 'C#').map((item) => cursorOf(item, number(lease, 'era')));
      return {
        cursors: cursors.filter((cursor): cursor is Cursor => cursor.protocol === protocol),
        gaps: earliest(gaps),
        settlements: of(items, 'W#S#').map(settlementOf),
      };
    },
  };
}

function of(items: readonly Item[], prefix: string): Item[] {
  return items.filter((item) => text(item, 'sk').startsWith(prefix));
}

/**
 * One range of the account's partition, from its cursors over its lease and its settings to what is due. Nothing in it grows
 * with what the mailbox holds, and of the gaps no more are kept than are given. The settlements come last and in the order of
 * their time, so reading ends with as many as are given.
 */
async function readRange(
  context: StoreContext,
  id: AccountId,
  now: Date,
): Promise<{ readonly items: readonly Item[]; readonly gaps: readonly Gap[] }> {
  const items: Item[] = [];
  let gaps: Gap[] = [];
  let settlements = 0;
  const range = { partition: accountPartition(id), range: pollRange(now.toISOString()) };
  for await (const item of query(context, range)) {
    const key = text(item, 'sk');
    if (!key.startsWith('W#G#')) items.push(item);
    else if (gaps.push(gapOf(item)) >= 2 * MAX_POLL_WORK) gaps = earliest(gaps);
    if (key.startsWith('W#S#')) settlements += 1;
    if (settlements >= MAX_POLL_WORK) break;
  }
  return { items, gaps };
}

function earliest(gaps: readonly Gap[]): Gap[] {
  return gaps.toSorted((one, other) => one.dueAt.getTime() - other.dueAt.getTime()).slice(0, MAX_POLL_WORK);
}

async function gapPage(context: StoreContext, id: AccountId, page: PageRequest): Promise<Page<Gap>> {
  const limit = limitOf(page);
  const after = placeOf('g', page.after, GAP_SORT);
  const all = beginningWith('W#G#');
  const range = { first: after ?? all.first, last: all.last };
  const found: Item[] = [];
  for await (const item of query(context, { partition: accountPartition(id), range, pageSize: limit + 2 })) {
    if (text(item, 'sk') !== after) found.push(item);
    if (found.length > limit) break;
  }
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  const more = found.length > limit && last !== undefined;
  return { data: shown.map(gapOf), next: more ? pageCursorOf('g', text(last, 'sk')) : null };
}
