import type { Job } from '../jobs.ts';

/** A job and the group it is of: the mail host of a poll, the webhook of a delivery. One noisy group holds up no other. */
export interface QueuedJob {
  readonly job: Job;
  readonly group: string;
}

/**
 * Hints that work is there, best effort: the store knows what is due, and a lost hint is found by the tick.
 * It never throws and may drop, repeat and reorder.
 */
export interface Queue {
  /** Takes jobs of any kind and group together; `delayMs` is at most 15 minutes, 0 when missing. */
  enqueue(jobs: readonly QueuedJob[], options?: { readonly delayMs?: number }): Promise<void>;
}
