import type { AccountId, WebhookId } from '../../shared/identity.ts';
import {
  ACCOUNTS_PER_JOB,
  DELIVERIES_PER_JOB,
  type DispatchJob,
  type Job,
  type PollReason,
} from '../../shared/jobs.ts';
import type { WorkRef } from '../../shared/ports/store.ts';
import type { PollDeps } from './deps.ts';

/** After a standstill no more than this is caught up: the longest interval of an account. */
const MAX_CATCH_UP_MS = 24 * 3_600_000;
/** Due work taken in one request, and at most in one tick. */
const WORK_PAGE = 1000;
const WORK_PER_TICK = 10_000;

type PlanDeps = Pick<PollDeps, 'store' | 'queue' | 'clock' | 'log'>;
type Polled = { readonly id: AccountId; readonly reason: PollReason };

/**
 * One tick: enqueues the accounts whose slot came since the last tick, and whatever else is due. Ticks may come late,
 * twice or not at all: what they missed is found by the next, and what is enqueued twice is taken once.
 */
export async function plan(deps: PlanDeps): Promise<{ readonly polls: number; readonly deliveries: number }> {
  const now = deps.clock.now();
  const earliest = new Date(now.getTime() - MAX_CATCH_UP_MS);
  const last = (await deps.store.lastTick()) ?? new Date(now.getTime() - 60_000);
  const polls = new Map<string, Polled[]>();
  for await (const { id, host, slot } of deps.store.dueAccounts(last < earliest ? earliest : last, now)) {
    append(polls, host, { id, reason: { slot: slot.toISOString() } });
  }
  const work = await dueWork(deps, now, polls);
  // In one call each: most groups have a job or two, and the queue sends those of many groups together.
  await enqueue(deps, polls, ACCOUNTS_PER_JOB, (accounts) => ({ kind: 'poll', accounts }));
  await enqueue(deps, work, DELIVERIES_PER_JOB, (deliveries) => ({ kind: 'dispatch', deliveries }));
  // After the hints: a tick that dies before this runs again.
  await deps.store.saveTick(now);
  const count = (lists: Iterable<readonly unknown[]>) =>
    [...lists].reduce((sum, list) => sum + list.length, 0);
  return { polls: count(polls.values()), deliveries: count(work.values()) };
}

async function dueWork(deps: PlanDeps, now: Date, polls: Map<string, Polled[]>) {
  const deliveries = new Map<WebhookId, DispatchJob['deliveries'][number][]>();
  let page: readonly WorkRef[] = [];
  let taken = 0;
  do {
    page = await deps.store.dueWork(now, WORK_PAGE);
    taken += page.length;
    for (const work of page) {
      if (work.kind === 'account') append(polls, work.host, { id: work.id, reason: 'backlog' });
      else if (work.kind === 'delivery') append(deliveries, work.ref.webhookId, work.ref);
      else {
        const released = await deps.store.releaseParked(work.id, work.release, now);
        for (const ref of released) append(deliveries, work.id, ref);
      }
    }
  } while (page.length === WORK_PAGE && taken < WORK_PER_TICK);
  return deliveries;
}

function append<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** Enqueues what is to be done in every group, at most `size` of it in a job. */
async function enqueue<Item>(
  { queue }: Pick<PlanDeps, 'queue'>,
  groups: ReadonlyMap<string, readonly Item[]>,
  size: number,
  jobOf: (items: readonly Item[]) => Job,
): Promise<void> {
  const jobs = [...groups].flatMap(([group, items]) =>
    chunks(items, size).map((some) => ({ job: jobOf(some), group })),
  );
  if (jobs.length > 0) await queue.enqueue(jobs);
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  const parts: Item[][] = [];
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size));
  return parts;
}
