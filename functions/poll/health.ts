import type { Account } from '../../shared/account.ts';
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
export function backoffMs(consecutiveFailures: number, retryAfterMs: number | null): number {
  const own = Math.min(
    BACKOFF_MAX_MS,
    BACKOFF_BASE_MS * 2 ** Math.min(20, Math.max(0, consecutiveFailures - 1)),
  );
  return Math.max(own, retryAfterMs ?? 0);
}

/** What a failed poll means for its account: how long it rests, whether it stops, and the event its owner gets. */
export async function healthAfterFailure(
  deps: Pick<PollDeps, 'clock'>,
  account: Account,
  failure: unknown,
  facts: { readonly raise: Raise; transitions(): number },
): Promise<PollHealth> {
  const at = deps.clock.now();
  const code = failure instanceof MailError ? failure.code : 'internal';
  const message = failure instanceof Error ? failure.message : String(failure);
  const rest = backoffMs(
    account.consecutiveFailures + 1,
    failure instanceof MailError ? failure.retryAfterMs : null,
  );
  const health: PollHealth = {
    at,
    error: { code, message, at: at.toISOString() },
    state: null,
    notBefore: new Date(at.getTime() + rest),
    backlogAt: null,
    held: account.held,
    transitions: facts.transitions(),
  };
  if (failure instanceof FloodError) {
    const { held } = failure;
    await facts.raise({ type: 'flood.held', held, reason: message });
    const transitions = facts.transitions();
    return { ...health, state: { state: 'paused', reason: message }, notBefore: null, held, transitions };
  }
  if (code !== 'auth') return health;
  const state = { state: 'auth_failed', reason: message } as const;
  if (account.state === 'auth_failed') return { ...health, state, notBefore: null };
  await facts.raise({ type: 'account.auth_failed', reason: message });
  return { ...health, state, notBefore: null, transitions: facts.transitions() };
}

/** The report of a poll that failed. */
export function failureReport(account: Account, failure: unknown): PollReport {
  const code =
    failure instanceof MailError ? failure.code : failure instanceof FloodError ? 'flood-held' : 'internal';
  const message = failure instanceof Error ? failure.message : String(failure);
  const outcome = code === 'auth' ? 'auth_failed' : 'error';
  return { ...emptyReport(account.name, outcome), error: { code, message } };
}

/** The report of a poll that did nothing. */
export function emptyReport(name: string, outcome: PollReport['outcome']): PollReport {
  return { name, outcome, listed: 0, new: 0, committed: 0, settled: 0, error: null };
}
