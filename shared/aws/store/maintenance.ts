import { runChore } from './chore-runner.ts';
import { dueChores } from './chores.ts';
import type { StoreContext } from './context.ts';
import { choreKey } from './keys.ts';
import { attributes } from './marshal.ts';
import { put } from './writes.ts';

/** What the tick has to do for the store on DynamoDB, beside what the port says. */
export interface Maintenance {
  /**
   * Goes on with what takes longer than one request, slice by slice, until nothing of it is due or `goOn` says no: removals
   * of accounts and webhooks with very many events, the expiry of POP3 events and of what waited too long behind a gate. To be
   * called with every tick; a slice takes a second or two. One chore that fails harms no other; then it throws
   * AggregateError.
   */
  maintain(now: Date, goOn: () => boolean): Promise<void>;
}

const NOT_THERE = 'attribute_not_exists(pk)';

/** The maintenance of the store; one read unit when nothing is to be done. */
export function createMaintenance(context: StoreContext): Maintenance {
  let isParkedKept = false;
  return {
    async maintain(now, goOn) {
      if (!isParkedKept) {
        const at = now.toISOString();
        const item = attributes({ ...choreKey('parked', 'all'), choreAt: at, notBefore: at });
        await put(context, item, NOT_THERE);
        isParkedKept = true;
      }
      const errors: unknown[] = [];
      for (const { key } of await dueChores(context, now)) {
        if (!goOn()) break;
        try {
          await runChore(context, key, { slices: Number.POSITIVE_INFINITY, goOn });
        } catch (error) {
          errors.push(error);
        }
      }
      if (errors.length > 0)
        throw new AggregateError(errors, `Cannot finish ${errors.length} chores of the store`);
    },
  };
}
