import { randomBytes } from 'node:crypto';
import { flushCompileCache } from 'node:module';
import { createParsePool } from '../../functions/poll/parse/parse-pool.ts';
import { type Runtime, type RuntimePorts, startRuntime } from '../../local/runtime.ts';
import type { AccountId, Source } from '../../shared/identity.ts';
import type { PollReport } from '../../shared/operations.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import { traceDisk } from './crash-disk.ts';
import { tracedPorts } from './crash-ports.ts';
import type { KillPoint } from './crash-steps.ts';
import { Trace, tell } from './crash-trace.ts';

/** What a child does on a data folder, from its start to its end. */
export interface Round {
  readonly folder: string;
  readonly kill: KillPoint | null;
  readonly task: /** Polls by hand until all is delivered and settled. */
    | { readonly kind: 'poll'; readonly account: AccountId }
    /** Leaves everything to the tick until so many messages are delivered and none is to be settled. */
    | { readonly kind: 'wait'; readonly messages: number }
    /** Ends with the first tick, and with what that began. */
    | { readonly kind: 'tick' }
    /** Adds an account through the API; `attempt` is the body of the request. */
    | { readonly kind: 'add'; readonly attempt: unknown };
  /** How far the clock is ahead of the machine's, in ms. */
  readonly clockAheadMs: number;
  /** A mail that the server does not hand out in this round; null for none. */
  readonly unreadable: Source | null;
}

/** How often each account is polled in a `poll` round: what is new, what is to be settled, and that nothing else is left. */
const POLLS = 3;
/** Nothing listens there: the checks ask for the files themselves. */
const PUBLIC_URL = 'http://127.0.0.1:8025';
/** Instead of 5 s, 5 min, …: a receiver that took nothing is asked again at once. */
const RETRY_DELAYS_MS = [20, 20, 20];

const log: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: (event, fields) => process.stderr.write(`${event} ${JSON.stringify(fields)}\n`),
};

/** A started runtime, with what a round needs besides. */
interface Stage {
  readonly runtime: Runtime;
  readonly ports: RuntimePorts;
  readonly clock: Clock;
}

const trace = new Trace();
traceDisk(trace);
/** Outlives a round, unlike the runtime's own, because its thread is slow to start; it keeps nothing of what it parsed. */
const parsePool = createParsePool();

async function play(round: Round): Promise<unknown> {
  trace.begin(round.kill);
  const clock = { now: () => new Date(Date.now() + round.clockAheadMs) };
  let ports: RuntimePorts | null = null;
  const wrap = (own: RuntimePorts) => {
    ports = tracedPorts(trace, { ...own, parse: parsePool.parse }, round.unreadable);
    return ports;
  };
  const { folder } = round;
  const links = { publicUrl: Promise.resolve(PUBLIC_URL), days: 30 };
  const options = {
    ...{ folder, clock, log, wrap, links, egress: 'private-ok' as const, retryDelaysMs: RETRY_DELAYS_MS },
  } as const;
  const runtime = await startRuntime(options);
  if (ports === null) throw new Error('The runtime did not wrap its ports');
  const result = await perform({ runtime, ports, clock }, round.task);
  await runtime.close();
  return result;
}

async function perform(stage: Stage, task: Round['task']): Promise<unknown> {
  switch (task.kind) {
    case 'poll': {
      const reports: PollReport[] = [];
      for (let poll = 0; poll < POLLS; poll++) {
        reports.push(await pollNow(stage, task.account));
        await until('store.finish', () => allEnded(stage));
      }
      return reports;
    }
    case 'wait':
      return await until('store.release', () => allSettled(stage, task.messages));
    case 'tick':
      return await trace.next('store.saveTick');
    case 'add':
      return await add(stage, task.attempt);
  }
}

/** Polls the account, after whoever polls it already: the tick may have found work of before the crash. */
async function pollNow({ runtime }: Stage, id: AccountId): Promise<PollReport> {
  for (;;) {
    const released = trace.next('store.release');
    const [report] = await runtime.operations.poll([id]);
    if (report?.outcome === 'ok') return report;
    if (report?.outcome !== 'busy') throw new Error(`The poll ended with ${JSON.stringify(report)}`);
    await released;
  }
}

/** Looks again each time this step has been taken. */
async function until(step: string, holds: () => Promise<boolean>): Promise<void> {
  for (;;) {
    const again = trace.next(step);
    if (await holds()) return;
    await again;
  }
}

async function allEnded({ runtime }: Stage): Promise<boolean> {
  const { deliveries } = await runtime.embedded.store.counts();
  return deliveries.pending + deliveries.parked === 0;
}

async function allSettled({ runtime }: Stage, expected: number): Promise<boolean> {
  const { data } = await runtime.embedded.store.messages({}, { after: null, limit: 100 });
  const isOver = data.every(
    ({ event }) => event.open === 0 && !['waiting', 'due'].includes(event.settlement.state),
  );
  return isOver && data.length === expected;
}

async function add({ runtime, ports, clock }: Stage, attempt: unknown): Promise<unknown> {
  // Loaded by those only who need it: most rounds do not.
  const { createAdminApp } = await import('../../functions/admin/app.ts');
  const { operations, egress, embedded } = runtime;
  const { store, vault } = ports;
  const parts = { store, vault, blobs: embedded.blobs, linkDays: 30, operations, egress, clock };
  const app = createAdminApp({ ...parts, random: randomBytes, log, version: '0' });
  const response = await app.request('/v1/accounts', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(attempt),
  });
  return { status: response.status, body: await response.json() };
}

process.on('message', (round: Round | 'end') => {
  // Without its parent nothing keeps the process alive, unless something leaks: an idle parser does not.
  if (round === 'end') return process.disconnect();
  play(round).then(
    (result) => {
      // The next processes start faster; one that is killed leaves nothing to them.
      flushCompileCache();
      tell({ kind: 'done', result });
      process.send?.('done');
    },
    (error: unknown) => {
      tell({
        kind: 'failed',
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      process.exit(1);
    },
  );
});
