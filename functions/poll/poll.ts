import type { Account, AccountError } from '../../shared/account.ts';
import type { AccountId } from '../../shared/identity.ts';
import type { PollJob, PollReason } from '../../shared/jobs.ts';
import type { PollReport } from '../../shared/operations.ts';
import type { Acquired, PollHealth } from '../../shared/ports/store.ts';
import { FencedError, type PollDeps, type PollSession } from './deps.ts';
import { accountError, emptyReport, failureReport, healthAfterFailure, plainHealth } from './health.ts';
import { createRaise } from './operational-event.ts';
import { LEASE_MS, runSession, type SessionResult, withSession } from './session.ts';
import { withoutAddresses } from './without-addresses.ts';

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
    let current: Account | null = account;
    do {
      result = await oneSession(deps, { fence, account: current, raise: facts.raise }, stop);
      total.listed += result.listed;
      total.new += result.fresh;
      total.committed += result.committed;
      total.settled += result.settled;
      const isOver = !result.more || stop.stopping() || deps.clock.now().getTime() - startedAt >= budgetMs;
      current = isOver ? null : await stillPolled(deps, account.id);
    } while (current !== null);
    const health = healthAfterSession(deps, account, result, facts.transitions());
    await deps.store.release(fence, health);
    const { error } = health;
    if (error !== null) logFailure(deps, account, error);
    const outcome = error === null ? emptyReport(account.name, 'ok') : failureReport(account, error);
    const report: PollReport = { ...outcome, ...total };
    logPoll(deps, account, report, startedAt);
    return report;
  } catch (failure) {
    const failed = await settleFailure(deps, { fence, account, facts }, failure, stop);
    return failed && { ...failed, ...total };
  }
}

/** The account as its owner has it now; null when it is to be polled no longer. */
async function stillPolled(deps: PollDeps, id: AccountId): Promise<Account | null> {
  const account = await deps.store.account(id);
  return account?.state === 'paused' ? null : account;
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
  const error = accountError(failure, deps.clock.now());
  logFailure(deps, account, error);
  try {
    await deps.store.release(fence, await healthAfterFailure(deps, account, failure, facts));
  } catch (unsaved) {
    // The store is out of reach as well: the lease ends by itself.
    deps.log.error('poll.release-failed', { account: account.id, error: String(unsaved) });
  }
  return failureReport(account, error);
}

/** A mailbox that could not be opened is shown, and does not make the account rest: the others were polled. */
function healthAfterSession(
  deps: PollDeps,
  account: Account,
  { more, error }: SessionResult,
  transitions: number,
): PollHealth {
  const at = deps.clock.now();
  const shown = error === null ? null : accountError(error, at);
  // What the owner let through the flood guard is let through until all of it is fetched.
  const held = more ? account.held : 0;
  const health = plainHealth(at, shown, { held, transitions });
  return { ...health, partial: shown !== null, backlogAt: more ? at : null };
}

function logFailure(deps: PollDeps, account: Account, { code, message }: AccountError): void {
  const fields = { account: account.id, name: account.name, code, error: withoutAddresses(message) };
  deps.log[code === 'internal' ? 'error' : 'warn']('poll.failed', fields);
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
