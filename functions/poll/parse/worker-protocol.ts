import type { ParsedMessage, ParseJob } from './types.ts';

/** Messages for a worker. Their bytes lie in memory that both threads see, so that they outlive a worker that dies. */
export interface WorkerBatch {
  readonly memory: SharedArrayBuffer;
  readonly jobs: readonly WorkerJob[];
  /** Null for all of each message; else only the headers are read, and this is why. */
  readonly headerOnly: string | null;
}

/** A job with its place in the batch's memory. */
interface WorkerJob {
  readonly job: Omit<ParseJob, 'bytes'>;
  readonly offset: number;
  readonly length: number;
}

/** What a worker sends: once that it listens, then one answer to each batch, in the order of its jobs. */
export type WorkerReply =
  | { readonly kind: 'ready' }
  /** The events come as plain arrays of bytes, whose memory is handed over. */
  | {
      readonly kind: 'parsed';
      readonly results: readonly (Omit<ParsedMessage, 'event'> & {
        readonly event: Uint8Array<ArrayBuffer>;
      })[];
    };
