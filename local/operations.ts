import type { DispatchDeps } from '../functions/dispatch/deps.ts';
import { revealSecret } from '../functions/dispatch/reveal-secret.ts';
import { testWebhook } from '../functions/dispatch/test-webhook.ts';
import type { PollDeps } from '../functions/poll/deps.ts';
import { emptyReport } from '../functions/poll/health.ts';
import { type PollStop, poll } from '../functions/poll/poll.ts';
import { takeBaseline } from '../functions/poll/take-baseline.ts';
import { testAccount } from '../functions/poll/test-account.ts';
import type { Operations } from '../shared/operations.ts';

const TEST_TIMEOUT_MS = 60_000;

/** What the API asks of poll and dispatch, done in this process, and how to wait for it. */
interface LocalOperations {
  readonly operations: Operations;
  /** Resolves when none of them is under way. */
  idle(): Promise<void>;
}

/** The operations on these functions; `stop` ends those that talk to a mail server. */
export function createOperations(
  poller: PollDeps,
  dispatcher: DispatchDeps,
  stop: PollStop,
): LocalOperations {
  const underWay = new Set<Promise<unknown>>();
  const tracked =
    <Args extends readonly unknown[], Result>(operation: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> => {
      const running = operation(...args);
      // Whoever asked hears of its failure; here it counts that it has ended.
      const ended = running.then(
        () => undefined,
        () => undefined,
      );
      underWay.add(ended);
      void ended.then(() => underWay.delete(ended));
      return running;
    };
  return {
    operations: {
      testAccount: tracked((account) => {
        const late = AbortSignal.timeout(TEST_TIMEOUT_MS);
        return testAccount(poller, account, AbortSignal.any([late, stop.signal]));
      }),
      baseline: tracked(
        async (id, start) => (await takeBaseline(poller, id, start, stop)) ?? emptyReport('', 'error'),
      ),
      poll: tracked((ids) => poll(poller, { accounts: ids.map((id) => ({ id, reason: 'manual' })) }, stop)),
      testWebhook: tracked((id) => testWebhook(dispatcher, id)),
      revealSecret: tracked((id) => revealSecret(dispatcher, id)),
    } satisfies Operations,
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
