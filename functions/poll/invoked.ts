import type { PollInvocation } from '../../shared/aws/invocation.ts';
import type { PollJob } from '../../shared/jobs.ts';
import type { AccountTest, PollReport } from '../../shared/operations.ts';
import type { PollDeps } from './deps.ts';
import { emptyReport } from './health.ts';
import { type PollStop, poll } from './poll.ts';
import { takeBaseline } from './take-baseline.ts';
import { testAccount } from './test-account.ts';

/** A test that takes longer has found out enough. */
const TEST_TIMEOUT_MS = 60_000;

/** Does what the admin function asks of the poll function; see `Operations`. */
export async function answerInvocation(
  deps: PollDeps,
  invocation: PollInvocation,
  stop: PollStop,
): Promise<AccountTest | PollReport | readonly PollReport[]> {
  switch (invocation.operation) {
    case 'testAccount': {
      const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(TEST_TIMEOUT_MS)]);
      return await testAccount(deps, invocation.account, signal);
    }
    case 'baseline': {
      const report = await takeBaseline(deps, invocation.id, invocation.start, stop);
      return report ?? emptyReport('', 'error');
    }
    case 'poll': {
      const accounts = invocation.ids.map((id) => ({ id, reason: 'manual' as const }));
      return await poll(deps, { accounts }, stop);
    }
    default:
      return unknown(invocation);
  }
}

/** Polls the accounts of a job. Throws when the time ran out, since some may not have had their turn: the job comes again, and what is done already is not due then. */
export async function pollInTime(deps: PollDeps, job: PollJob, stop: PollStop): Promise<void> {
  await poll(deps, job, stop);
  if (stop.stopping())
    throw new Error('The time of the invocation ran out before the last account was polled');
}

function unknown(invocation: never): never {
  throw new Error(`There is no operation ${JSON.stringify(invocation).slice(0, 100)}`);
}
