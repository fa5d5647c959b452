import type { Account, AccountError } from '../../shared/account.ts';
import type { PollReport } from '../../shared/operations.ts';
import { MailError } from '../../shared/ports/mail-source.ts';
import type { PollHealth } from '../../shared/ports/store.ts';
import type { PollDeps } from './deps.ts';
import type { Raise } from './operational-event.ts';
import { FloodError } from './reconcile.ts';

/** After the n-th failure in a row an account rests 30 s × 2^(n-1), at most an hour, or as long as the server asks. */
const BACKOFF_BASE_MS = 30_000;
const BACKOFF_MAX_MS = 3_600_000;

/** How long an account rests after so many failures in a row, in ms. */
function backoffMs(consecutiveFailures: number, retryAfterMs: number | null): number {
  const own = Math.min(
    BACKOFF_MAX_MS,
    BACKOFF_BASE_MS * 2 ** Math.min(20, Math.max(0, consecutiveFailures - 1)),
  );
  return Math.max(own, retryAfterMs ?? 0);
}

/** What a failure is to the account's owner. */
export function accountError(failure: unknown, at: Date): AccountError {
  const message = failure instanceof Error ? failure.message : String(failure);
  return { code: codeOf(failure), message, at: at.toISOString() };
}

function codeOf(failure: unknown): AccountError['code'] {
  if (failure instanceof MailError) return failure.code;
  return failure instanceof FloodError ? 'flood-held' : 'internal';
}

/** The health after a poll that changes neither the account's state nor when it may be polled. */
export function plainHealth(
  at: Date,
  error: AccountError | null,
  counts: Pick<PollHealth, 'held' | 'transitions'>,
): PollHealth {
  return { at, error, state: null, notBefore: null, backlogAt: null, ...counts };
}

/** What a failed poll means for its account: how long it rests, whether it stops, and the event its owner gets. */
export async function healthAfterFailure(
  deps: Pick<PollDeps, 'clock'>,
  account: Account,
  failure: unknown,
  facts: { readonly raise: Raise; transitions(): number },
): Promise<PollHealth> {
  const at = deps.clock.now();
  const error = accountError(failure, at);
  const health = (held = account.held) => plainHealth(at, error, { held, transitions: facts.transitions() });
  if (failure instanceof FloodError) {
    await facts.raise({ type: 'flood.held', held: failure.held, reason: error.message });
    return { ...health(failure.held), state: { state: 'paused', reason: error.message } };
  }
  if (error.code === 'auth') {
    if (account.state !== 'auth_failed') {
      await facts.raise({ type: 'account.auth_failed', reason: error.message });
    }
    return { ...health(), state: { state: 'auth_failed', reason: error.message } };
  }
  const asked = failure instanceof MailError ? failure.retryAfterMs : null;
  const restMs = backoffMs(account.consecutiveFailures + 1, asked);
  return { ...health(), notBefore: new Date(at.getTime() + restMs) };
}

/** The report of a poll that failed. */
export function failureReport(account: Account, { code, message }: AccountError): PollReport {
  const outcome = code === 'auth' ? 'auth_failed' : 'error';
  return { ...emptyReport(account.name, outcome), error: { code, message } };
}

/** The report of a poll that did nothing. */
export function emptyReport(name: string, outcome: PollReport['outcome']): PollReport {
  return { name, outcome, listed: 0, new: 0, committed: 0, settled: 0, error: null };
}
