import type { Job } from '../jobs.ts';

/**
 * Hints that work is there, best effort: the store knows what is due, and a lost hint is found by the tick.
 * It never throws and may drop, repeat and reorder.
 */
export interface Queue {
  enqueue(
    jobs: readonly Job[],
    options: {
      /** One noisy group does not hold up another: the mail host of a poll, the webhook of a delivery. */
      readonly group: string;
      /** At most 15 minutes. @default 0 */
      readonly delayMs?: number;
    },
  ): Promise<void>;
}
