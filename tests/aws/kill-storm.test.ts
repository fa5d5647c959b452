import { LambdaClient } from '@aws-sdk/client-lambda';
import { GetQueueAttributesCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { invoke, killInvoked, killWorking } from '../support/function-killer.ts';
import { Dice } from '../support/mail-content.ts';
import { openStack, type StackWorld } from '../support/stack-world.ts';
import { openStorm, type StormWorld } from '../support/storm-world.ts';

interface Message {
  readonly id: string;
  readonly state: string;
  readonly settlement: { readonly state: string };
}
interface Polled {
  readonly accounts: readonly { readonly name: string; readonly outcome: string }[];
}

const MAILBOXES = 10;
const MAILS_EACH = 25;
const MAILS = 2 * MAILBOXES * MAILS_EACH;
/** How many processes of each function are killed at work, and within how many milliseconds of being seen at work. */
const KILLS = { poll: 3, dispatch: 6, plan: 4 } as const;
const WITHIN_MS = { poll: 1_500, dispatch: 150, plan: 150 } as const;
/** The storm ends after so long, with fewer kills. */
const STORM_MS = 60_000;
/** What is not accepted by then is lost: on a quiet machine all of it is after two and a half minutes. */
const DEADLINE_MS = 480_000;
/** This share of the mails is there before the storm; the others come once polls were killed. */
const FIRST_SHARE = 0.6;
/** So often a lease of a dead poll is tried. */
const ASK_AGAIN_MS = 5_000;
/** A job whose function was killed comes again after so long, and not after six times the function's timeout. */
const VISIBILITY_SEC = { PollsQueue: 60, DeliveriesQueue: 45 } as const;
const DEAD_LETTERS = ['PollsDeadLetters', 'DeliveriesDeadLetters'] as const;

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);

const aws = inject('miniStack');
const sqs = new SQSClient(aws.clientOptions);
const lambda = new LambdaClient(aws.clientOptions);

let stack: StackWorld;
let visibility: Readonly<Record<string, string>>;
beforeAll(async () => {
  stack = await openStack(aws);
  const queues = Object.keys(VISIBILITY_SEC);
  const before = await Promise.all(
    queues.map(async (queue) => [queue, (await attributesOf(queue)).VisibilityTimeout ?? ''] as const),
  );
  visibility = Object.fromEntries(before);
  for (const [queue, seconds] of Object.entries(VISIBILITY_SEC)) await setVisibility(queue, String(seconds));
});
afterAll(async () => {
  for (const [queue, seconds] of Object.entries(visibility)) await setVisibility(queue, seconds);
  await stack.clear();
  sqs.destroy();
  lambda.destroy();
});

function setVisibility(queue: string, seconds: string) {
  const attributes = { VisibilityTimeout: seconds };
  return sqs.send(new SetQueueAttributesCommand({ QueueUrl: stack.outputs[queue], Attributes: attributes }));
}

async function attributesOf(queue: string): Promise<Record<string, string>> {
  const asked = new GetQueueAttributesCommand({ QueueUrl: stack.outputs[queue], AttributeNames: ['All'] });
  return (await sqs.send(asked)).Attributes ?? {};
}

/** Messages of any kind: waiting, in work, delayed. */
async function lengthOf(queue: string): Promise<number> {
  const attributes = await attributesOf(queue);
  const counts = Object.entries(attributes).filter(([name]) => name.startsWith('ApproximateNumberOf'));
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

const allMessages = async () => (await stack.json<{ data: readonly Message[] }>(['messages', 'list'])).data;

/** Polls by hand until every account had a good poll: a kill fails the command, and leaves leases that must end first. */
async function pollAll(world: StormWorld, signal: AbortSignal): Promise<void> {
  let left: readonly string[] = world.accounts;
  while (!signal.aborted) {
    const { code, stdout } = await stack.run(['poll', ...left, '--json']);
    if (code === 0) {
      const { accounts } = JSON.parse(stdout) as Polled;
      left = accounts.filter(({ outcome }) => outcome !== 'ok').map(({ name }) => name);
    }
    if (left.length === 0) return;
    await pause(ASK_AGAIN_MS);
  }
}

/** What the schedule does each minute. */
const tick = () => invoke(lambda, `${stack.name}-plan`);

/** Between two questions to the stack; what is asked for has no event that this process could wait for. */
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Ticks until it holds; the deadline is the test's own. */
async function ticksUntil(holds: () => boolean | Promise<boolean>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await holds())) {
    await tick();
    await pause(1_000);
  }
}

type Kills = Record<keyof typeof KILLS, number>;

/** Kills the functions at work, each at its own pace, until each was killed as often as planned. */
async function storm(world: StormWorld, signal: AbortSignal): Promise<Kills> {
  const kills: Kills = { poll: 0, dispatch: 0, plan: 0 };
  const kill = async (name: 'poll' | 'dispatch', ports: readonly number[]) => {
    const target = { functionName: `${stack.name}-${name}`, ports };
    const options = { dice: new Dice(SEED + ports.length), withinMs: WITHIN_MS[name], signal };
    while (kills[name] < KILLS[name] && (await killWorking(aws, target, options))) kills[name] += 1;
  };
  const killTicks = async () => {
    const options = { dice: new Dice(SEED), withinMs: WITHIN_MS.plan };
    while (kills.plan < KILLS.plan && !signal.aborted) {
      await tick();
      if (await killInvoked(aws, lambda, `${stack.name}-plan`, options)) kills.plan += 1;
    }
  };
  await Promise.all([
    kill('poll', world.mailPorts).then(() => world.arrive(FIRST_SHARE, 1)),
    kill('dispatch', [world.receiver.port]),
    killTicks(),
  ]);
  return kills;
}

/** The hashes of the raw mails that the accepted events speak of, by the events' ids. */
function rawHashes({ accepted, requests }: StormWorld['receiver']): Map<string, string> {
  const events = requests.filter(({ id }) => accepted.has(id));
  return new Map(events.map(({ id, body }) => [id, JSON.parse(body.toString()).data.raw.sha256]));
}

describe(`${MAILS} mixed mails over IMAP and POP3`, () => {
  let world: StormWorld;

  beforeAll(async () => {
    console.log(`seed of the kills: ${SEED} (SEED=${SEED} repeats them)`);
    world = await openStorm(stack, {
      ...{ seed: 404, mailboxes: MAILBOXES, mailsEach: MAILS_EACH },
      answer: ({ attempt, id }) => (attempt === 1 && id.charCodeAt(4) % 3 === 0 ? 500 : 200),
    });
    world.arrive(0, FIRST_SHARE);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('are all accepted while functions are killed at work and a third of the first attempts fails', async ({
    signal,
  }) => {
    const { receiver } = world;
    const began = performance.now();
    const seconds = () => `${Math.round((performance.now() - began) / 1_000)} s`;
    const ending = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]);
    const polled = pollAll(world, ending);
    const kills = await storm(world, AbortSignal.any([signal, AbortSignal.timeout(STORM_MS)]));
    console.log(`killed at work ${JSON.stringify(kills)} within ${seconds()}`);
    await polled;
    await pollAll(world, ending);
    await ticksUntil(() => receiver.accepted.size >= MAILS, ending);
    console.log(
      `${receiver.accepted.size} accepted of ${receiver.requests.length} requests after ${seconds()}`,
    );
    expect(receiver.accepted.size).toBe(MAILS);
    expect(kills.poll).toBeGreaterThanOrEqual(2);
    expect(kills.dispatch).toBeGreaterThanOrEqual(3);
    expect(kills.plan).toBeGreaterThanOrEqual(1);
  }, 540_000);

  it('have one event each, always in the same bytes and well signed, about a mail as its server gave it', async () => {
    const { receiver, mailHashes } = world;
    expect(receiver.faults).toEqual([]);
    for (const bodies of receiver.accepted.values()) expect(new Set(bodies).size).toBe(1);
    const hashes = [...rawHashes(receiver).values()];
    expect(hashes.sort()).toEqual([...mailHashes].sort());
    const ids = (await allMessages()).map(({ id }) => id);
    expect([...receiver.accepted.keys()].sort()).toEqual(ids.sort());
  });

  it('are delivered in the books too, and then moved or deleted on their servers', async ({ signal }) => {
    await ticksUntil(async () => (await allMessages()).every(({ state }) => state === 'delivered'), signal);
    await pollAll(world, signal);
    expect(world.onServers()).toEqual({ inboxes: Array(2 * MAILBOXES).fill(0), moved: MAILS / 2 });
    const settled = (await allMessages()).filter(({ settlement }) => settlement.state === 'done');
    expect(settled).toHaveLength(MAILS);
  });

  it('leave no job behind, neither waiting nor among the dead letters', async ({ signal }) => {
    for (const queue of Object.keys(VISIBILITY_SEC)) {
      await ticksUntil(async () => (await lengthOf(queue)) === 0, signal);
    }
    expect(await Promise.all(DEAD_LETTERS.map(lengthOf))).toEqual([0, 0]);
  });
});
