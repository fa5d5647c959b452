import type { Store } from '../../ports/store.ts';
import { createAccounts } from './accounts.ts';
import { createClaims } from './claims.ts';
import type { StoreContext } from './context.ts';
import { createCounts } from './counts.ts';
import { createDeliveries } from './deliveries.ts';
import { createEvents } from './events.ts';
import { createFinish } from './finish.ts';
import { createLeases } from './leases.ts';
import { createMessages } from './messages.ts';
import { createPollState } from './poll-state.ts';
import { createRelease } from './release.ts';
import { createReplay } from './replay.ts';
import { createSchedule } from './schedule.ts';
import { createTicks } from './ticks.ts';
import { createWebhooks } from './webhooks.ts';
import { createWork } from './work.ts';

/** The store on SQLite: one part for each concern. */
export function createStore(context: StoreContext): {
  readonly store: Store;
  readonly close: () => Promise<void>;
} {
  const ticks = createTicks(context);
  const store: Store = {
    ...createSchedule(context),
    ...createWork(context),
    ...ticks.part,
    ...createLeases(context),
    ...createPollState(context),
    ...createEvents(context),
    ...createClaims(context),
    ...createFinish(context),
    ...createRelease(context),
    ...createAccounts(context),
    ...createWebhooks(context),
    ...createMessages(context),
    ...createDeliveries(context),
    ...createReplay(context),
    ...createCounts({ ...context, lastTick: ticks.part.lastTick }),
  };
  return { store, close: ticks.close };
}
