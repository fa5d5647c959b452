import type { AccountId } from '../../identity.ts';
import type { Cursor } from '../../ports/mail-source.ts';
import type { Gap, Settlement, Store } from '../../ports/store.ts';
import type { AccountDocument } from './account-item.ts';
import type { StoreContext } from './context.ts';
import { cursorOf } from './cursor-item.ts';
import { gapOf } from './gap-item.ts';
import { accountPartition, pollRange } from './keys.ts';
import { type Item, json, number, text } from './marshal.ts';
import { query } from './requests.ts';
import { settlementOf } from './settlements.ts';

/** As many gaps and settlements as one poll is given; what is beyond waits for the next. */
const MAX_WORK = 1_000;

/**
 * What a poll reads before it begins: one range of the account's partition, from its cursors over its lease and its settings
 * to what is due. Nothing in it grows with what the mailbox holds.
 */
export function createPollState(context: StoreContext): Pick<Store, 'pollState'> {
  return {
    async pollState(id, now) {
      const items = await readRange(context, id, now);
      const lease = items.find((item) => text(item, 'sk') === 'LEASE');
      const meta = items.find((item) => text(item, 'sk') === 'META');
      // Nothing is left of a removed account, or nothing that anybody may poll.
      if (lease === undefined || meta === undefined) return { cursors: [], gaps: [], settlements: [] };
      const { protocol } = json<AccountDocument>(meta, 'account');
      const cursors = of(items, 'C#').map((item) => cursorOf(item, number(lease, 'era')));
      return {
        cursors: cursors.filter((cursor): cursor is Cursor => cursor.protocol === protocol),
        gaps: of(items, 'W#G#').map(gapOf).toSorted(byDueTime).slice(0, MAX_WORK),
        settlements: of(items, 'W#S#').map(settlementOf),
      };
    },
  };
}

function of(items: readonly Item[], prefix: string): Item[] {
  return items.filter((item) => text(item, 'sk').startsWith(prefix));
}

/** The settlements come last and in the order of their time, so reading ends with as many as are given. */
async function readRange(context: StoreContext, id: AccountId, now: Date): Promise<Item[]> {
  const items: Item[] = [];
  let settlements = 0;
  const range = { partition: accountPartition(id), range: pollRange(now.toISOString()) };
  for await (const item of query(context, range)) {
    items.push(item);
    if (text(item, 'sk').startsWith('W#S#')) settlements += 1;
    if (settlements >= MAX_WORK) break;
  }
  return items;
}

function byDueTime(one: Gap | Settlement, other: Gap | Settlement): number {
  return one.dueAt.getTime() - other.dueAt.getTime();
}
