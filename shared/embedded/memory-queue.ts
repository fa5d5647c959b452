import type { Job } from '../jobs.ts';
import type { Log } from '../ports/log.ts';
import type { Queue, QueuedJob } from '../ports/queue.ts';

/** How many jobs run at once: in all of a kind, and of one group. */
interface Lanes {
  readonly poll: { readonly atOnce: number; readonly perGroup: number };
  readonly dispatch: { readonly atOnce: number; readonly perGroup: number };
}

const LANES: Lanes = {
  // Five accounts of a job are polled at once. What they fetched has a budget; each receives one message besides.
  poll: { atOnce: 4, perGroup: 2 },
  // A webhook that lets every request time out holds two jobs, of 10 deliveries each: 128 such slow no other down.
  dispatch: { atOnce: 256, perGroup: 2 },
};
/** Above so many waiting jobs of a kind a hint is dropped; the store has the work due again in two minutes. */
const CAPACITY_JOBS = 20_000;

/** A queue in memory with the runner of its jobs. */
interface MemoryQueue extends Queue {
  /** Begins no more jobs and resolves when those that run have ended. */
  close(): Promise<void>;
}

/**
 * The embedded queue: not durable, because the store knows what is due. Groups take turns, so a group with much work or
 * slow jobs does not hold up another. A job that throws is logged and gone: its work is due again by itself.
 */
export function createMemoryQueue(
  run: (job: Job) => Promise<void>,
  log: Log,
  lanes: Lanes = LANES,
): MemoryQueue {
  const poll = new Lane(run, log, lanes.poll);
  const dispatch = new Lane(run, log, lanes.dispatch);
  const delayed = new Set<NodeJS.Timeout>();
  let closed = false;
  const add = (jobs: readonly QueuedJob[]) => {
    for (const { job, group } of jobs) (job.kind === 'poll' ? poll : dispatch).add(job, group);
  };
  return {
    async enqueue(jobs, { delayMs = 0 } = {}) {
      if (closed) return;
      if (delayMs <= 0) return add(jobs);
      const timer = setTimeout(() => {
        delayed.delete(timer);
        add(jobs);
      }, delayMs);
      delayed.add(timer);
    },
    async close() {
      closed = true;
      for (const timer of delayed) clearTimeout(timer);
      await Promise.all([poll.close(), dispatch.close()]);
    },
  };
}

/** Jobs of one kind, group by group. */
class Lane {
  readonly #run: (job: Job) => Promise<void>;
  readonly #log: Log;
  readonly #limits: Lanes['poll'];
  /** Waiting jobs by group; the groups in the order of their next turn. */
  readonly #waiting = new Map<string, Job[]>();
  readonly #running = new Map<string, number>();
  #waitingCount = 0;
  #runningCount = 0;
  #idleWaiters: (() => void)[] = [];

  constructor(run: (job: Job) => Promise<void>, log: Log, limits: Lanes['poll']) {
    this.#run = run;
    this.#log = log;
    this.#limits = limits;
  }

  get #busy(): boolean {
    return this.#waitingCount + this.#runningCount > 0;
  }

  add(job: Job, group: string): void {
    if (this.#waitingCount >= CAPACITY_JOBS) {
      this.#log.warn('queue.full', { kind: job.kind });
      return;
    }
    const jobs = this.#waiting.get(group);
    if (jobs) jobs.push(job);
    else this.#waiting.set(group, [job]);
    this.#waitingCount++;
    this.#startWhatMay();
  }

  async close(): Promise<void> {
    this.#waiting.clear();
    this.#waitingCount = 0;
    if (this.#busy) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  #startWhatMay(): void {
    for (const [group, jobs] of this.#waiting) {
      while (this.#runningCount < this.#limits.atOnce && this.#runningOf(group) < this.#limits.perGroup) {
        const job = jobs.shift();
        if (job === undefined) break;
        this.#waitingCount--;
        void this.#start(job, group);
      }
      if (jobs.length === 0) this.#waiting.delete(group);
      if (this.#runningCount >= this.#limits.atOnce) return;
    }
  }

  #runningOf(group: string): number {
    return this.#running.get(group) ?? 0;
  }

  async #start(job: Job, group: string): Promise<void> {
    this.#runningCount++;
    this.#running.set(group, this.#runningOf(group) + 1);
    try {
      await this.#run(job);
    } catch (error) {
      this.#log.error('job.failed', { kind: job.kind, error: String(error) });
    }
    this.#runningCount--;
    const left = this.#runningOf(group) - 1;
    if (left > 0) this.#running.set(group, left);
    else this.#running.delete(group);
    this.#takeTurn(group);
    this.#startWhatMay();
    if (!this.#busy) for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  /** The group that just had a job goes behind the others. */
  #takeTurn(group: string): void {
    const jobs = this.#waiting.get(group);
    if (jobs === undefined) return;
    this.#waiting.delete(group);
    this.#waiting.set(group, jobs);
  }
}
