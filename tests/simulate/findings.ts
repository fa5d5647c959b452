import {
  type DeadWebhook,
  type IdleStack,
  type MailUsage,
  measureDead,
  measureExhausted,
  measureIdle,
  measureMail,
  measureRetry,
} from './measure.ts';
import type { Wanted } from './population.ts';
import type { Usage } from './usage.ts';
import { withoutIntervals } from './without-intervals.ts';

/** All that the simulation finds out. */
export interface Findings {
  readonly idle: readonly IdleStack[];
  readonly mail: MailUsage;
  readonly burst: MailUsage;
  readonly pop3: MailUsage;
  readonly markSeen: MailUsage;
  readonly retry: Usage;
  readonly exhausted: Usage;
  readonly dead: DeadWebhook;
}

const SIZES = [10, 1_000, 10_000];
const WEBHOOKS = 1_000;
const WAITING = 100_000;
const SOME: Wanted = { accounts: 100, webhooks: 10 };
const FEW: Wanted = { accounts: 10, webhooks: 10 };
/** What is deflated is a few bytes shorter or longer from run to run. */
const STORED_ROUNDED_BYTES = 100;

/** Runs the whole simulation; `say` is told what is done. */
export function simulate(say: (line: string) => void): Promise<Findings> {
  return withoutIntervals(() => simulateAll(say));
}

async function simulateAll(say: (line: string) => void): Promise<Findings> {
  const idle: IdleStack[] = [];
  for (const accounts of SIZES) {
    say(`${accounts} accounts without mail`);
    const webhooks = Math.min(accounts, WEBHOOKS);
    idle.push(await measureIdle({ accounts, webhooks }, accounts >= WEBHOOKS ? WAITING : 0));
  }
  say('mails');
  const quick = await simulateSome();
  say('deliveries that nobody takes');
  const exhausted = await measureExhausted(200);
  say(`a dead webhook with ${WAITING} deliveries waiting`);
  const dead = await measureDead(WAITING);
  const { idle: _small, ...rest } = quick;
  return rounded({ idle, ...rest, exhausted, dead });
}

/** The parts that take a second or two, with the smallest of the idle stacks: what a test can do each time. */
export function simulateQuickly() {
  return withoutIntervals(simulateSome);
}

async function simulateSome() {
  const mail = await measureMail(SOME, 1);
  return rounded({
    idle: [await measureIdle(FEW, 0)],
    mail,
    burst: await measureMail(FEW, 50),
    pop3: await measureMail({ ...SOME, protocol: 'pop3' }, 1),
    markSeen: await measureMail({ ...SOME, settings: { onDelivered: { kind: 'mark-seen' } } }, 1),
    retry: await measureRetry(SOME, mail),
  });
}

/** Numbers of six digits, which are the same on every machine. */
function rounded<Value>(value: Value): Value {
  const round = (name: string, part: unknown): unknown => {
    if (typeof part !== 'number') return part;
    if (name === 'storedBytes') return Math.round(part / STORED_ROUNDED_BYTES) * STORED_ROUNDED_BYTES;
    return Math.abs(part) < 1e-9 ? 0 : Number(part.toPrecision(6));
  };
  return JSON.parse(JSON.stringify(value, round)) as Value;
}
