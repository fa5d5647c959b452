import { TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import type { DispatchDeps } from '../../functions/dispatch/deps.ts';
import { dispatch } from '../../functions/dispatch/dispatch.ts';
import { tick } from '../../functions/plan/tick.ts';
import { createByteBudget } from '../../functions/poll/byte-budget.ts';
import type { PollDeps } from '../../functions/poll/deps.ts';
import { pollInTime } from '../../functions/poll/invoked.ts';
import { readSettings } from '../../infra/settings.ts';
import { runJobs } from '../../shared/aws/job-records.ts';
import { createKmsVault } from '../../shared/aws/kms-vault.ts';
import { createLambdaLog } from '../../shared/aws/lambda-log.ts';
import { createOpeningKeys } from '../../shared/aws/opening-keys.ts';
import { createS3Blobs } from '../../shared/aws/s3-blobs.ts';
import { createSealingKeys } from '../../shared/aws/sealing-keys.ts';
import { createSqsQueue } from '../../shared/aws/sqs-queue.ts';
import { createDynamoStore } from '../../shared/aws/store/create-dynamo-store.ts';
import { WORK_INDEX } from '../../shared/aws/store/table.ts';
import { clientThat, createMemoryDynamo, type MemoryDynamo } from '../support/dynamo/memory-dynamo.ts';
import { ASSUMED } from './assumptions.ts';
import { WarmFunction } from './functions.ts';
import { MailProvider, parse } from './mail-provider.ts';
import { MemoryQueues, type Message } from './memory-queues.ts';
import { MemoryServices } from './memory-services.ts';
import { Receivers } from './receivers.ts';
import { Meter, type Spender } from './usage.ts';
import { VirtualTime } from './virtual-time.ts';

const POLLS = 'polls';
const DELIVERIES = 'deliveries';
/** As the stack has them: see infra/polling.ts, infra/dispatching.ts and infra/planning.ts. */
const JOBS_PER_POLL = 5;
const JOBS_PER_DISPATCH = 10;
const KEY_IDS = { 'mailbox-credential': 'mailbox-key', 'webhook-secret': 'webhook-key' };
const SETTINGS = readSettings({});

const GO = { signal: new AbortController().signal, stopping: () => false };

/** A run is the same each time. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The stack in memory: the real functions and adapters, on services that count and take their time. */
export class Cloud {
  readonly time = new VirtualTime('2026-11-25T08:00:00Z');
  readonly meter = new Meter();
  readonly random = seededRandom(1);
  /** Its own, so that links change no other number. */
  readonly #tokenRandom = seededRandom(2);
  readonly dynamo: MemoryDynamo = createMemoryDynamo();
  readonly services = new MemoryServices(this.time, this.meter);
  readonly queues = new MemoryQueues(this.time, this.meter);
  readonly mail = new MailProvider(this.time);
  readonly receivers = new Receivers(this.time);
  readonly plan = new WarmFunction<void>(this, { spender: 'plan', memoryMb: 512 }, () => this.#startPlan());
  readonly poll = new WarmFunction<readonly Message[]>(
    this,
    { spender: 'poll', memoryMb: SETTINGS.pollMemoryMb },
    () => this.#startPoll(),
  );
  readonly dispatch = new WarmFunction<readonly Message[]>(
    this,
    { spender: 'dispatch', memoryMb: SETTINGS.dispatchMemoryMb },
    () => this.#startDispatch(),
  );

  #workIndexUnits = 0;

  constructor() {
    this.queues.connect(POLLS, {
      ...{ batchSize: JOBS_PER_POLL, concurrency: SETTINGS.pollConcurrency, spender: 'poll' },
      invoke: (messages) => this.poll.invoke(messages),
    });
    this.queues.connect(DELIVERIES, {
      ...{ batchSize: JOBS_PER_DISPATCH, concurrency: SETTINGS.dispatchConcurrency, spender: 'dispatch' },
      invoke: (messages) => this.dispatch.invoke(messages),
    });
  }

  /** Units of all writes of the work index so far. */
  get workIndexUnits(): number {
    return this.#workIndexUnits;
  }

  /** The ports of one process, counted on one function's account. */
  ports(spender: Spender) {
    const log = createLambdaLog({
      write: (line) => this.meter.add(spender, 'logBytes', line.length + 1),
      ...{ now: () => this.time.now(), level: 'info', stack: 'mailhook' },
    });
    const urls = { poll: POLLS, dispatch: DELIVERIES };
    const [s3, kms, bucket] = [this.services.s3(spender), this.services.kms(spender), 'mailhook'];
    return {
      store: createDynamoStore({
        ...{ client: this.#dynamoClient(spender), table: 'mailhook', clock: this.time, random: this.random },
        pause: (ms) => this.time.sleep(ms),
      }),
      queue: createSqsQueue({ client: this.queues.client(spender), urls, log }),
      blobs: createS3Blobs({ client: s3, bucket }),
      vault: createKmsVault({
        sealing: createSealingKeys({ kms, s3, bucket, keyIds: KEY_IDS, clock: this.time }),
        opening: createOpeningKeys({ client: kms, keyIds: KEY_IDS, clock: this.time }),
      }),
      clock: this.time,
      random: this.random,
      log,
    };
  }

  /** What polls work with, outside of any function. */
  pollDeps(): PollDeps {
    const links = {
      publicUrl: Promise.resolve('https://abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws'),
      random: (size: number) => Uint8Array.from({ length: size }, () => this.#tokenRandom() * 256),
    };
    return { ...this.ports('poll'), openSource: this.mail.open, parse, links, budget: createByteBudget() };
  }

  #dynamoClient(spender: Spender) {
    const client = this.dynamo.connect(({ cost }) => {
      this.meter.add(spender, 'dynamoRequests', 1);
      this.meter.add(spender, 'readUnits', cost.readUnits);
      const indexUnits = Object.values(cost.indexWriteUnits).reduce((sum, units) => sum + units, 0);
      this.meter.add(spender, 'writeUnits', cost.writeUnits + indexUnits);
      this.#workIndexUnits += cost.indexWriteUnits[WORK_INDEX.name] ?? 0;
    });
    const answer = client.send.bind(client) as (command: object) => Promise<unknown>;
    return clientThat(async (command) => {
      const isTransaction = command instanceof TransactWriteItemsCommand;
      await this.time.sleep(isTransaction ? ASSUMED.transactionMs : ASSUMED.dynamoMs);
      return await answer(command);
    });
  }

  #startPlan(): () => Promise<void> {
    const deps = this.ports('plan');
    return () => tick(deps);
  }

  #startPoll(): (messages: readonly Message[]) => Promise<void> {
    const deps = this.pollDeps();
    return async (messages) => {
      const { batchItemFailures } = await runJobs(recordsOf(messages), 'poll', deps.log, (job) =>
        pollInTime(deps, job, GO),
      );
      if (batchItemFailures.length > 0) throw new Error('A poll job failed');
    };
  }

  #startDispatch(): (messages: readonly Message[]) => Promise<void> {
    const contents = async () => ({});
    const deps: DispatchDeps = { ...this.ports('dispatch'), contents, post: this.receivers.client };
    return async (messages) => {
      const { batchItemFailures } = await runJobs(recordsOf(messages), 'dispatch', deps.log, (job) =>
        dispatch(deps, job),
      );
      if (batchItemFailures.length > 0) throw new Error('A dispatch job failed');
    };
  }

  /** Lets all that was enqueued be done, without a tick. */
  async untilDelivered(): Promise<void> {
    do await this.time.runUntil(this.time.nowMs + 1_000);
    while (!this.queues.isIdle);
  }

  /** Ticks once a minute for so long, and lets everything happen meanwhile. */
  async run(minutes: number): Promise<void> {
    for (let minute = 0; minute < minutes; minute++) {
      const endMs = this.time.nowMs + 60_000;
      const ticked = this.plan.invoke();
      await this.time.runUntil(endMs);
      // One that takes longer than a minute would meet the next, as on AWS; none here does.
      await this.time.runThrough(ticked);
    }
  }
}

function recordsOf(messages: readonly Message[]) {
  return messages.map((message) => ({ ...message, attributes: { ApproximateReceiveCount: '1' } }));
}
