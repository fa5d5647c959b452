import { createWorkerThread } from '../../../shared/worker-thread.ts';
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

type Parsed = Extract<WorkerReply, { kind: 'parsed' }>;

/** Larger shared memory is given back after the batch that needed it. */
const KEPT_MEMORY_BYTES = 8 * 1024 * 1024;

/** A lane without a thread yet. */
export function createLane(options: LaneOptions): Lane {
  const words = { thread: 'The parser', work: 'Parsing' };
  const thread = createWorkerThread<WorkerBatch, Parsed>({ ...options, words });
  let memory = new SharedArrayBuffer(0);

  async function run(jobs: readonly ParseJob[], headerOnly: string | null): Promise<LaneOutcome> {
    const reply = await thread.run(share(jobs, headerOnly));
    if (reply.kind === 'failed') return { kind: 'failed', reason: reply.reason };
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

  return { run, close: () => thread.close() };
}

function withBuffer(result: Parsed['results'][number]): ParsedMessage {
  return { ...result, event: Buffer.from(result.event.buffer) };
}
