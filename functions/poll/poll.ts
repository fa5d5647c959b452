import type { Account } from '../../shared/account.ts';
import type { AccountId } from '../../shared/identity.ts';
import type { PollJob, PollReason } from '../../shared/jobs.ts';
import type { PollReport } from '../../shared/operations.ts';
import type { Acquired, PollHealth } from '../../shared/ports/store.ts';
import { FencedError, type PollDeps, type PollSession } from './deps.ts';
import { emptyReport, failureReport, healthAfterFailure } from './health.ts';
import { createRaise } from './operational-event.ts';
import { LEASE_MS, runSession, type SessionResult, withSession } from './session.ts';

/** Accounts of a job polled at once: polling is waiting, and one host does not like many logins at a time. */
const ACCOUNTS_AT_ONCE = 5;
/** A session is ended after this long and another begun: a drop loses little, and a POP3 maildrop is not locked for long. */
const SESSION_MS = 60_000;
/** Somebody is waiting for a manual poll, so it goes on until all is fetched, but not for ever. */
const MANUAL_MS = 600_000;

/** How a poll can be made to end. */
export interface PollStop {
  /** Ends every session at once. */
  readonly signal: AbortSignal;
  /** Once true no new message is begun. */
  stopping(): boolean;
}

type Holding = Extract<Acquired, { kind: 'acquired' }>;

/**
 * Polls the accounts of a job, a few at a time; one that fails harms no other. Reports, in the order of the job, on those
 * that were polled or could not be.
 */
export async function poll(
  deps: PollDeps,
  { accounts }: Pick<PollJob, 'accounts'>,
  stop: PollStop,
): Promise<PollReport[]> {
  const reports: (PollReport | null)[] = [];
  const waiting = accounts.entries();
  const worker = async () => {
    for (const [index, { id, reason }] of waiting) {
      if (stop.stopping()) return;
      reports[index] = await pollAccount(deps, id, reason, stop);
    }
  };
  await Promise.all(Array.from({ length: ACCOUNTS_AT_ONCE }, worker));
  return reports.filter((report) => report != null);
}

/** Polls one account now; null when it is not due or gone. */
export async function pollAccount(
  deps: PollDeps,
  id: AccountId,
  reason: PollReason,
  stop: PollStop,
): Promise<PollReport | null> {
  const acquired = await deps.store.acquire(id, reason, deps.clock.now(), LEASE_MS);
  switch (acquired.kind) {
    case 'acquired':
      return await pollHolding(deps, acquired, reason, stop);
    case 'busy':
    case 'inactive': {
      if (reason !== 'manual') return null;
      const account = await deps.store.account(id);
      return account && emptyReport(account.name, acquired.kind === 'busy' ? 'busy' : 'paused');
    }
    case 'not-due':
    case 'gone':
      return null;
  }
}

async function pollHolding(
  deps: PollDeps,
  { fence, account }: Holding,
  reason: PollReason,
  stop: PollStop,
): Promise<PollReport | null> {
  const startedAt = deps.clock.now().getTime();
  const budgetMs = reason === 'manual' ? MANUAL_MS : SESSION_MS;
  const total = { listed: 0, new: 0, committed: 0, settled: 0 };
  const facts = createRaise(deps, fence, account);
  try {
    let result: SessionResult;
    do {
      result = await oneSession(deps, { fence, account, raise: facts.raise }, stop);
      total.listed += result.listed;
      total.new += result.fresh;
      total.committed += result.committed;
      total.settled += result.settled;
    } while (result.more && !stop.stopping() && deps.clock.now().getTime() - startedAt < budgetMs);
    if (result.error !== null) throw result.error;
    await deps.store.release(fence, goodHealth(deps, result, facts.transitions()));
    const report: PollReport = { ...emptyReport(account.name, 'ok'), ...total };
    logPoll(deps, account, report, startedAt);
    return report;
  } catch (failure) {
    const failed = await settleFailure(deps, { fence, account, facts }, failure, stop);
    return failed && { ...failed, ...total };
  }
}

async function oneSession(
  deps: PollDeps,
  lease: Pick<PollSession, 'fence' | 'account' | 'raise'>,
  stop: PollStop,
): Promise<SessionResult> {
  const { account } = lease;
  const state = await deps.store.pollState(account.id, deps.clock.now());
  const stopAt = deps.clock.now().getTime() + SESSION_MS;
  const goOn = () => !stop.stopping() && deps.clock.now().getTime() < stopAt;
  const readOnly = state.settlements.length === 0;
  return await withSession(deps, { ...lease, goOn }, { readOnly, signal: stop.signal }, (session) =>
    runSession(deps, session, state),
  );
}

/** Records a failure under the lease and gives the lease back; null when there is no lease to give back any more. */
async function settleFailure(
  deps: PollDeps,
  { fence, account, facts }: Omit<Holding, 'kind'> & { readonly facts: ReturnType<typeof createRaise> },
  failure: unknown,
  stop: PollStop,
): Promise<PollReport | null> {
  if (failure instanceof FencedError) {
    deps.log.warn('poll.fenced', { account: account.id });
    return emptyReport(account.name, 'busy');
  }
  // The process is being stopped: the lease ends by itself, and the account is not to blame.
  if (stop.signal.aborted) return null;
  const report = failureReport(account, failure);
  const known = report.error !== null && report.error.code !== 'internal';
  deps.log[known ? 'warn' : 'error']('poll.failed', {
    account: account.id,
    name: account.name,
    code: report.error?.code ?? 'internal',
    error: report.error?.message ?? '',
  });
  try {
    const health = await healthAfterFailure(deps, account, failure, facts);
    await deps.store.release(fence, health);
  } catch (error) {
    // The store is out of reach as well: the lease ends by itself.
    deps.log.error('poll.release-failed', { account: account.id, error: String(error) });
  }
  return report;
}

function goodHealth(deps: PollDeps, result: SessionResult, transitions: number): PollHealth {
  const at = deps.clock.now();
  return {
    at,
    error: null,
    state: null,
    notBefore: null,
    backlogAt: result.more ? at : null,
    held: 0,
    transitions,
  };
}

function logPoll(deps: PollDeps, account: Account, report: PollReport, startedAt: number): void {
  if (report.new + report.committed + report.settled === 0) return;
  deps.log.info('poll.finished', {
    account: account.id,
    name: account.name,
    new: report.new,
    committed: report.committed,
    settled: report.settled,
    durationMs: deps.clock.now().getTime() - startedAt,
  });
}
