import { createLane, type Lane, type LaneOutcome } from './parse-lane.ts';
import type { Parse, ParsedMessage, ParseJob } from './types.ts';
import { unparsedMessage } from './unparsed-message.ts';

/** How a pool parses. */
export interface ParsePoolOptions {
  /** Threads. @default 1 */
  readonly workers?: number;
  /**
   * How long one message, or one batch of small ones, may take until its thread is ended. A 30 MB mail takes about a
   * second; the same mail must become the same event on a busy machine too, so this is far above. @default 20,000
   */
  readonly budgetMsPerMessage?: number;
  /** JavaScript heap of a thread; the worst mail of 64 MB that we could make takes 150 MB. @default 512 */
  readonly maxHeapMb?: number;
  /** The thread's program. @default worker.ts beside this file; a bundle names its own */
  readonly workerUrl?: URL;
}

/** Parses messages in threads of its own. */
export interface ParsePool {
  /**
   * See `Parse`. The bytes of the jobs are only read, never detached or changed, so the caller keeps them; it must not
   * change them either until the call has ended. Each event has an ArrayBuffer of its own.
   */
  readonly parse: Parse;
  /** Waits for what is being parsed and ends the threads. `parse` throws from now on. */
  close(): Promise<void>;
}

/** A batch goes to a thread and back in one message each; these keep its answer within some 20 ms. */
const MAX_BATCH_MESSAGES = 32;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/** A message of a call, and where its result goes. */
interface Entry {
  readonly job: ParseJob;
  readonly settle: (result: ParsedMessage) => void;
  readonly fail: (error: unknown) => void;
}

interface Batch {
  readonly entries: readonly Entry[];
  /** Why only the headers are read; null for everything. */
  readonly headerOnly: string | null;
}

/**
 * A pool without threads yet: they start with the first work and do not keep the process alive when idle.
 *
 * A message that takes too long or kills its thread costs only its own body. The batch it was in is parsed again one
 * by one; alone, it is read again for its header only; and should even that end the thread, its event says where it
 * lies and no more. So every job gets a result, and no call hangs.
 */
export function createParsePool(options: ParsePoolOptions = {}): ParsePool {
  const { workers = 1, budgetMsPerMessage = 20_000, maxHeapMb = 512 } = options;
  const workerUrl = options.workerUrl ?? new URL('./worker.ts', import.meta.url);
  const lanes = Array.from({ length: workers }, () =>
    createLane({ workerUrl, budgetMs: budgetMsPerMessage, maxHeapMb }),
  );
  const idle = [...lanes];
  const queue: Batch[] = [];
  const running = new Set<Promise<void>>();
  let closed = false;

  function pump(): void {
    for (let lane = idle.pop(); lane !== undefined; lane = idle.pop()) {
      const batch = queue.shift();
      if (batch === undefined) {
        idle.push(lane);
        return;
      }
      const run = work(lane, batch);
      running.add(run);
      void run.finally(() => running.delete(run));
    }
  }

  async function work(lane: Lane, batch: Batch): Promise<void> {
    try {
      const jobs = batch.entries.map(({ job }) => job);
      queue.unshift(...settled(batch, await lane.run(jobs, batch.headerOnly)));
    } catch (error) {
      for (const entry of batch.entries) entry.fail(error);
    }
    idle.push(lane);
    pump();
  }

  const parse: Parse = async (jobs) => {
    if (closed) throw new Error('Cannot parse: the parse pool is closed');
    const results = jobs.map((job) => {
      const { promise, resolve, reject } = Promise.withResolvers<ParsedMessage>();
      return { promise, entry: { job, settle: resolve, fail: reject } };
    });
    queue.push(...batchesOf(results.map(({ entry }) => entry)));
    pump();
    return Promise.all(results.map(({ promise }) => promise));
  };

  async function close(): Promise<void> {
    closed = true;
    while (running.size > 0) await Promise.all(running);
    await Promise.all(lanes.map((lane) => lane.close()));
  }

  return { parse, close };
}

/** Hands out the results of a batch; what of it is to be tried again, and how. */
function settled(batch: Batch, outcome: LaneOutcome): readonly Batch[] {
  if (outcome.kind === 'parsed') {
    outcome.results.forEach((result, index) => {
      batch.entries[index]?.settle(result);
    });
    return [];
  }
  if (batch.entries.length > 1) return batch.entries.map((entry) => ({ ...batch, entries: [entry] }));
  if (batch.headerOnly === null) return [{ ...batch, headerOnly: outcome.reason }];
  for (const { job, settle } of batch.entries) settle(unparsedMessage(job, batch.headerOnly));
  return [];
}

function batchesOf(entries: readonly Entry[]): readonly Batch[] {
  const batches: Batch[] = [];
  let current: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const length = entry.job.bytes.length;
    if (current.length > 0 && (current.length === MAX_BATCH_MESSAGES || bytes + length > MAX_BATCH_BYTES)) {
      batches.push({ entries: current, headerOnly: null });
      current = [];
      bytes = 0;
    }
    current.push(entry);
    bytes += length;
  }
  return current.length === 0 ? batches : [...batches, { entries: current, headerOnly: null }];
}
