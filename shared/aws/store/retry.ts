import type { Table } from './requests.ts';

/** Tries of one request that others' requests keep from being done; together some five seconds, ten at most. */
const MAX_TRIES = 14;
const BASE_DELAY_MS = 20;
const MAX_DELAY_MS = 1_000;

/** What passes by itself: another transaction holds the item, or there are more requests than the table takes just now. */
const PASSING = new Set([
  'ProvisionedThroughputExceededException',
  'ReplicatedWriteConflictException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'TransactionConflictException',
  'TransactionInProgressException',
]);

/** The same, as reasons for which a transaction was cancelled. */
const PASSING_REASONS = new Set(['ProvisionedThroughputExceeded', 'ThrottlingError', 'TransactionConflict']);

/** Whether a transaction cancelled for this reason may go through when it is sent again. */
export function isPassingReason(code: string | undefined): boolean {
  return code !== undefined && PASSING_REASONS.has(code);
}

/** A request that was in the way of others' to the end. */
export class StoreBusyError extends Error {
  override readonly name = 'StoreBusyError';

  constructor(what: string) {
    super(`Cannot ${what}: others were in the way ${MAX_TRIES} times, try again later`);
  }
}

/**
 * Runs a step until it answers, waiting at random between so that rivals do not meet again. `null` asks for another try, and
 * an error that passes by itself does too. Throws StoreBusyError after the last, and every other error as it comes.
 */
export async function persist<Answer>(
  table: Pick<Table, 'pause' | 'random'>,
  what: string,
  step: () => Promise<Answer | null>,
): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    const answer = await attempt(step);
    if (answer !== null) return answer;
    if (tries >= MAX_TRIES) throw new StoreBusyError(what);
    await table.pause(Math.ceil(table.random() * Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** tries)));
  }
}

async function attempt<Answer>(step: () => Promise<Answer | null>): Promise<Answer | null> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof Error && PASSING.has(error.name)) return null;
    throw error;
  }
}
