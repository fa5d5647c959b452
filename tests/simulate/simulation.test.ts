import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { ASSUMED } from './assumptions.ts';
import { Cloud } from './cloud.ts';
import { addBills, billOfUsage, totalBill } from './cost.ts';
import { WarmFunction } from './functions.ts';
import { quantity } from './markdown.ts';
import { warmCloud } from './measure.ts';
import { MemoryQueues, type Message } from './memory-queues.ts';
import { populate } from './population.ts';
import { between, Meter, NO_USAGE } from './usage.ts';
import { VirtualTime } from './virtual-time.ts';

const START = '2026-11-25T08:00:00.000Z';

describe('VirtualTime', () => {
  it('lets things happen in the order of their times, and at one time in the order they were asked for', async () => {
    const time = new VirtualTime(START);
    const seen: string[] = [];
    const wait = async (name: string, ms: number) => {
      await time.sleep(ms);
      seen.push(`${name} ${time.nowMs - Date.parse(START)}`);
    };
    const all = Promise.all([
      wait('c', 50),
      wait('a', 20),
      wait('b', 20),
      wait('d', 50).then(() => wait('e', 5)),
    ]);
    await time.runUntil(Date.parse(START) + 49);
    expect(seen).toEqual(['a 20', 'b 20']);
    await time.runThrough(all);
    expect(seen).toEqual(['a 20', 'b 20', 'c 50', 'd 50', 'e 55']);
  });

  it('says so when what is awaited can never come, and hands on a failure', async () => {
    const time = new VirtualTime(START);
    await expect(time.runThrough(new Promise(() => undefined))).rejects.toThrow('Nothing will ever happen');
    await expect(time.runThrough(time.sleep(1).then(() => Promise.reject(new Error('no'))))).rejects.toThrow(
      'no',
    );
  });
});

describe('a tick', () => {
  it('makes requests by what is due and not by what there is: 3,000 accounts of which few are due, and 10', async () => {
    const ticks = [];
    for (const accounts of [10, 3_000]) {
      const cloud = new Cloud();
      await populate(cloud, { accounts, webhooks: 1, intervalSeconds: 86_400 });
      await cloud.run(2);
      const before = cloud.meter.read();
      await cloud.run(3);
      ticks.push(between(before, cloud.meter.read()).plan);
    }
    const [few, many] = ticks;
    expect(few?.dynamoRequests).toBeGreaterThan(0);
    expect(many?.dynamoRequests).toBe(few?.dynamoRequests);
    expect(many?.sqsRequests).toBeLessThanOrEqual(6);
  });
});

describe('MemoryQueues', () => {
  it('hands over what waits in batches, to so many at once, and counts requests', async () => {
    const time = new VirtualTime(START);
    const meter = new Meter();
    const queues = new MemoryQueues(time, meter);
    const batches: string[][] = [];
    let most = 0;
    let running = 0;
    const invoke = async (messages: readonly Message[]) => {
      running += 1;
      most = Math.max(most, running);
      batches.push(messages.map(({ body }) => body));
      await time.sleep(1_000);
      running -= 1;
    };
    queues.connect('polls', { batchSize: 2, concurrency: 2, spender: 'poll', invoke });
    const entries = ['a', 'b', 'c', 'd', 'e'].map((MessageBody) => ({
      Id: MessageBody,
      MessageBody,
      MessageGroupId: 'g',
    }));
    const late = { Id: 'f', MessageBody: 'f', DelaySeconds: 60 };
    const command = new SendMessageBatchCommand({ QueueUrl: 'polls', Entries: [...entries, late] });
    await time.runThrough(queues.client('plan').send(command));
    await time.runUntil(time.nowMs + 30_000);
    expect(batches).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    expect({ most, isIdle: queues.isIdle }).toEqual({ most: 2, isIdle: true });
    await time.runUntil(time.nowMs + 61_000);
    expect(batches.at(-1)).toEqual(['f']);
    expect(meter.read().plan).toMatchObject({ sqsRequests: 1, sqsGroupedMessages: 5 });
    expect(meter.read().poll.sqsRequests).toBe(8);
  });
});

describe('WarmFunction', () => {
  it('starts a process only when none is free, and pays for the time of each', async () => {
    const time = new VirtualTime(START);
    const meter = new Meter();
    let started = 0;
    const tested = new WarmFunction<number>({ time, meter }, { spender: 'poll', memoryMb: 512 }, () => {
      started += 1;
      return (ms) => time.sleep(ms);
    });
    await time.runThrough(Promise.all([tested.invoke(400), tested.invoke(1_400)]));
    await time.runThrough(tested.invoke(1_000));
    expect(started).toBe(2);
    const seconds = (2 * ASSUMED.coldStartMs + 2_800) / 1_000;
    expect(meter.read().poll).toMatchObject({ invocations: 3, seconds, gbSeconds: seconds / 2 });
  });
});

describe('the stack in memory', () => {
  it('delivers each mail once, whatever is polled at the same time', async () => {
    const { cloud, population } = await warmCloud({ accounts: 30, webhooks: 3 });
    for (const { username } of population.accounts) cloud.mail.deliver(username, 2);
    await cloud.run(7);
    expect(cloud.receivers).toMatchObject({ taken: 60, attempts: 60 });
    expect(cloud.services.countObjects('raw')).toBe(60);
  });

  it('uses the same each time', async () => {
    const run = async () => {
      const { cloud } = await warmCloud({ accounts: 20, webhooks: 5 });
      return cloud.meter.read();
    };
    expect(await run()).toEqual(await run());
  });
});

describe('a bill', () => {
  it('is what each thing costs, added up', () => {
    const used = { ...NO_USAGE, writeUnits: 1_000_000, kmsRequests: 10_000, gbSeconds: 1_000 };
    const bill = addBills([billOfUsage(used), 2]);
    expect(bill).toMatchObject({ DynamoDB: 1.25, Lambda: 0.0266668 });
    expect(bill.KMS).toBeCloseTo(0.06, 10);
    expect(totalBill(bill)).toBeCloseTo(1.3366668, 10);
  });

  it.each([
    [0, ''],
    [0.004, ''],
    [0.0333, '0.03'],
    [1.456, '1.46'],
    [28.27, '28.3'],
    [899.7, '900'],
    [12_345, '12,300'],
  ])('shows %d as "%s"', (value, text) => {
    expect(quantity(value)).toBe(text);
  });
});
