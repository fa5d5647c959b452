import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Clock } from '../../ports/clock.ts';
import type { Store } from '../../ports/store.ts';
import { blobRetentionDays } from '../../retention.ts';
import { createAccountRemoval } from './account-removal.ts';
import { createAccountUpdate } from './account-update.ts';
import { createAccounts } from './accounts.ts';
import { createClaims } from './claim.ts';
import { createEvents } from './commit.ts';
import type { StoreContext } from './context.ts';
import { createCounts } from './counts.ts';
import { createDeliveries } from './deliveries.ts';
import { createWork } from './due-work.ts';
import { createFinish } from './finish.ts';
import { createLeases } from './lease.ts';
import { createMaintenance, type Maintenance } from './maintenance.ts';
import { createMessages } from './messages.ts';
import { createPollState } from './poll-state.ts';
import { createProgress } from './progress.ts';
import { createPollEnd } from './release.ts';
import { createRelease } from './release-parked.ts';
import { createReplay } from './replay.ts';
import { createTicks } from './ticks.ts';
import { createWebhookRemoval } from './webhook-removal.ts';
import { createWebhooks } from './webhooks.ts';
import { createWheel } from './wheel.ts';

interface DynamoStoreOptions {
  /** Its own tries are for lost connections; what others are in the way of is tried again here. */
  readonly client: DynamoDBClient;
  /** The name or the ARN of a table made as table.ts says. */
  readonly table: string;
  readonly clock: Clock;
  /** Events and deliveries are kept so long after their end, parked deliveries so long. @default 30 */
  readonly retentionDays?: number;
  /** A number from 0 to 1, for the waits between tries. @default Math.random */
  readonly random?: () => number;
  /** Waits so many milliseconds. @default setTimeout */
  readonly pause?: (ms: number) => Promise<void>;
}

/** The store on DynamoDB, with what the tick has to do for it: one part for each concern. */
export function createDynamoStore(options: DynamoStoreOptions): Store & Maintenance {
  const context = contextOf(options);
  const ticks = createTicks(context);
  return {
    ...createWheel(context),
    ...createWork(context),
    ...ticks,
    ...createLeases(context),
    ...createPollState(context),
    ...createEvents(context),
    ...createProgress(context),
    ...createPollEnd(context),
    ...createClaims(context),
    ...createFinish(context),
    ...createRelease(context),
    ...createAccounts(context),
    ...createAccountUpdate(context),
    ...createAccountRemoval(context),
    ...createWebhooks(context),
    ...createWebhookRemoval(context),
    ...createMessages(context),
    ...createDeliveries(context),
    ...createReplay(context),
    ...createCounts({ ...context, lastTick: ticks.lastTick }),
    ...createMaintenance(context),
  };
}

function contextOf({
  client,
  table,
  clock,
  retentionDays = 30,
  random,
  pause,
}: DynamoStoreOptions): StoreContext {
  return {
    ...{ client, tableName: table, clock },
    random: random ?? Math.random,
    pause: pause ?? ((ms) => setTimeout(ms)),
    newToken: randomUUID,
    retention: {
      ...{ endedDays: retentionDays, parkedDays: retentionDays },
      // As long as the bucket keeps them.
      blobDays: blobRetentionDays(retentionDays),
    },
  };
}
