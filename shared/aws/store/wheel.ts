import type { AccountId } from '../../identity.ts';
import type { Store } from '../../ports/store.ts';
import type { StoreContext } from './context.ts';
import { wheelPartition, wheelRange } from './index-keys.ts';
import { text } from './marshal.ts';
import { query } from './requests.ts';
import { dueSlots, INTERVAL_CLASSES, slotTime } from './schedule.ts';

/**
 * When accounts are to be polled: an account sits at a fixed slot of its interval class, so no poll rewrites an index, and a
 * tick reads what is due and nothing else. The index may be behind: an account it still shows that is not active any more
 * is refused by `acquire`, and one it does not show yet is polled an interval later.
 */
export function createWheel(context: StoreContext): Pick<Store, 'dueAccounts'> {
  return {
    async *dueAccounts(since, now) {
      for (const classMinutes of INTERVAL_CLASSES) {
        for (const slots of dueSlots(classMinutes, since.getTime(), now.getTime())) {
          const range = wheelRange(slots.first, slots.last);
          const asked = { index: 'work', partition: wheelPartition(classMinutes), range } as const;
          for await (const item of query(context, asked)) {
            const place = text(item, 'gsi1sk');
            const at = place.indexOf('#');
            const slot = slotTime(slots, Number(place.slice(0, at)));
            yield { id: place.slice(at + 1) as AccountId, host: text(item, 'host'), slot };
          }
        }
      }
    },
  };
}
