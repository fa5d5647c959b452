import type { Store } from '../../ports/store.ts';
import type { StoreContext } from './context.ts';
import { tickKey } from './keys.ts';
import { attributes, text } from './marshal.ts';
import { getItem } from './requests.ts';
import { put } from './writes.ts';

/** The store's memory of the tick. */
export function createTicks(context: StoreContext): Pick<Store, 'lastTick' | 'saveTick'> {
  return {
    async lastTick() {
      const item = await getItem(context, tickKey());
      return item && new Date(text(item, 'tickAt'));
    },
    async saveTick(now) {
      await put(context, attributes({ ...tickKey(), tickAt: now.toISOString() }));
    },
  };
}
