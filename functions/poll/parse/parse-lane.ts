import { Worker } from 'node:worker_threads';
import type { ParsedMessage, ParseJob } from './types.ts';
import type { WorkerBatch, WorkerReply } from './worker-protocol.ts';

/** How a lane runs its worker. */
interface LaneOptions {
  readonly workerUrl: URL;
  readonly budgetMs: number;
  readonly maxHeapMb: number;
}

/** How a batch ended: with a result for each job, or with the worker, and in what words. */
export type LaneOutcome =
  | { readonly kind: 'parsed'; readonly results: readonly ParsedMessage[] }
  | { readonly kind: 'failed'; readonly reason: string };

/** One worker thread at a time: it is started when there is work, and again after one has died or was ended. */
export interface Lane {
  /** Parses a batch; the next one only once it has ended. */
  run(jobs: readonly ParseJob[], headerOnly: string | null): Promise<LaneOutcome>;
  /** Ends the thread. */
  close(): Promise<void>;
}

/** From the start of the thread until it listens: 0.3 s on an idle machine, most of it loading mailparser. */
const START_BUDGET_MS = 30_000;

/** From the order to end until a thread has ended: some milliseconds. */
const END_BUDGET_MS = 2_000;

/** Larger shared memory is given back after the batch that needed it. */
const KEPT_MEMORY_BYTES = 8 * 1024 * 1024;

/** A lane without a thread yet. */
export function createLane(options: LaneOptions): Lane {
  let worker: Worker | null = null;
  let memory = new SharedArrayBuffer(0);

  async function started(): Promise<Worker | string> {
    if (worker !== null) return worker;
    const fresh = new Worker(options.workerUrl, {
      resourceLimits: { maxOldGenerationSizeMb: options.maxHeapMb },
    });
    // An idle worker can die too; nobody waits for it then, and the next batch starts another.
    fresh.on('error', () => forget(fresh));
    fresh.on('exit', () => forget(fresh));
    const reply = await nextReply(fresh, START_BUDGET_MS, 'The parser did not start');
    if (typeof reply === 'string') {
      await end(fresh);
      return reply;
    }
    worker = fresh;
    return fresh;
  }

  function forget(dead: Worker): void {
    if (worker === dead) worker = null;
  }

  async function run(jobs: readonly ParseJob[], headerOnly: string | null): Promise<LaneOutcome> {
    const thread = await started();
    if (typeof thread === 'string') return { kind: 'failed', reason: thread };
    const batch = share(jobs, headerOnly);
    thread.ref();
    const slow = `Parsing took longer than ${options.budgetMs / 1000} s`;
    const waiting = nextReply(thread, options.budgetMs, slow);
    thread.postMessage(batch);
    const reply = await waiting;
    if (typeof reply === 'string' || reply.kind === 'ready') {
      forget(thread);
      await end(thread);
      return { kind: 'failed', reason: typeof reply === 'string' ? reply : 'The parser started twice' };
    }
    // An idle thread must not keep the process alive.
    thread.unref();
    if (memory.byteLength > KEPT_MEMORY_BYTES) memory = new SharedArrayBuffer(0);
    return { kind: 'parsed', results: reply.results.map(withBuffer) };
  }

  function share(jobs: readonly ParseJob[], headerOnly: string | null): WorkerBatch {
    const total = jobs.reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (memory.byteLength < total) memory = new SharedArrayBuffer(total);
    const target = new Uint8Array(memory);
    let offset = 0;
    const placed = jobs.map(({ bytes, ...job }) => {
      target.set(bytes, offset);
      offset += bytes.length;
      return { job, offset: offset - bytes.length, length: bytes.length };
    });
    return { memory, jobs: placed, headerOnly };
  }

  async function close(): Promise<void> {
    const thread = worker;
    worker = null;
    if (thread !== null) await end(thread);
  }

  return { run, close };
}

/**
 * Ends a thread, and goes on without it when it does not end: one that collects garbage at its memory's limit was seen
 * to run on for minutes. What it may still say is not heard, and the memory it shares it only reads.
 */
async function end(thread: Worker): Promise<void> {
  thread.unref();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, END_BUDGET_MS);
  await Promise.race([thread.terminate(), promise]);
  clearTimeout(timer);
}

/** The worker's next message; a sentence when it dies first or says nothing in time. */
function nextReply(worker: Worker, budgetMs: number, slow: string): Promise<WorkerReply | string> {
  return new Promise((resolve) => {
    const settle = (reply: WorkerReply | string) => {
      clearTimeout(timer);
      worker.off('message', settle);
      worker.off('error', onError);
      worker.off('exit', onExit);
      resolve(reply);
    };
    const onError = (error: unknown) => settle(deathOf(error));
    const onExit = () => settle('The parser stopped');
    // A busy main thread reaches the timer late, with the answer waiting behind it: that one is taken first.
    const timer = setTimeout(() => setImmediate(() => settle(slow)), budgetMs);
    worker.on('message', settle);
    worker.on('error', onError);
    worker.on('exit', onExit);
  });
}

function deathOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return 'Parsing took more memory than allowed';
  return `The parser failed: ${error instanceof Error ? error.name : 'Error'}`;
}

function withBuffer(result: Extract<WorkerReply, { kind: 'parsed' }>['results'][number]): ParsedMessage {
  return { ...result, event: Buffer.from(result.event.buffer) };
}
