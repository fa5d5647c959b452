import { type Attempt, type Outcome, retryDelayMs, type Trigger } from '../../shared/delivery.ts';
import type { Answered } from './exchange.ts';
import type { PostResult } from './post.ts';
import { retryAfterMs } from './retry-after.ts';

/** A POST that ended, with what its classification depends on. */
export interface Ended {
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly trigger: Trigger;
  /** Charged attempts before this one. */
  readonly attemptCount: number;
  /** Whether the reduced form was sent. */
  readonly reduced: boolean;
  readonly result: PostResult;
}

/** When attempts are made again. */
interface Schedule {
  readonly delaysMs: readonly number[];
  readonly random: () => number;
}

/** What becomes of a delivery, and what else follows. */
export interface Verdict {
  readonly outcome: Outcome;
  /** The event was too large for the receiver: the next attempt sends less of it. */
  readonly reduce: boolean;
  /** Why the webhook is to be disabled although it took this event; null when it is not. */
  readonly disableReason: string | null;
}

type Failed = Extract<PostResult, { kind: 'failed' }>;

/** A 429 that does not say how long, and a fault of our own, wait that long. */
const THROTTLE_MS = 60_000;
const INTERNAL_RETRY_MS = 60_000;

/** Stands for the webhook's host where a redirect names none. */
const SAME_HOST = 'same-host.invalid';

const GONE = 'The receiver answered 410 Gone';
const ASKED_TO_STOP = 'The receiver asked for no more events (webhook-delivery: disable)';

/** What becomes of a delivery, by what its attempt met. */
export function classify(ended: Ended, schedule: Schedule): Verdict {
  const { result } = ended;
  return result.kind === 'answered'
    ? classifyAnswer(ended, result, schedule)
    : { outcome: classifyFailure(ended, result, schedule), reduce: false, disableReason: null };
}

function classifyAnswer(ended: Ended, answer: Answered, schedule: Schedule): Verdict {
  const { status } = answer;
  const wishes = (answer.control ?? '').split(',').map((wish) => wish.trim().toLowerCase());
  const stop = wishes.includes('disable');
  const only = (outcome: Outcome): Verdict => ({ outcome, reduce: false, disableReason: null });
  if (status >= 200 && status < 300) {
    const attempt = attemptOf(ended, 'delivered', null);
    return { ...only({ kind: 'delivered', attempt }), disableReason: stop ? ASKED_TO_STOP : null };
  }
  if (status === 410) {
    return only({ kind: 'disable', attempt: attemptOf(ended, 'gone', GONE), reason: GONE });
  }
  if (stop) {
    const attempt = attemptOf(ended, 'disabled', ASKED_TO_STOP);
    return only({ kind: 'disable', attempt, reason: ASKED_TO_STOP });
  }
  if (wishes.includes('abort-message')) {
    const error = `Answered ${status}, and asked not to send this event again (webhook-delivery: abort-message)`;
    return only({ kind: 'rejected', attempt: attemptOf(ended, 'aborted', error) });
  }
  const outcome = retryAnswer(ended, answer, schedule);
  return { ...only(outcome), reduce: status === 413 && !ended.reduced && outcome.kind === 'retry' };
}

function retryAnswer(ended: Ended, answer: Answered, schedule: Schedule): Outcome {
  const { status } = answer;
  const attempt =
    status >= 300 && status < 400
      ? attemptOf(ended, 'redirect', redirectError(answer))
      : attemptOf(ended, 'http-error', `Answered ${status}`);
  const askedMs = retryAfterMs(answer.retryAfter, ended.endedAt);
  if (status === 429) {
    const until = after(ended.endedAt, askedMs ?? THROTTLE_MS);
    return { kind: 'retry', attempt, charged: false, nextAttemptAt: until, gateUntil: until, nextBody: null };
  }
  // RFC 9110 gives Retry-After a meaning with 503; gateways send it with 502 and 504 too, of one request.
  const heeded = status === 502 || status === 503 || status === 504 ? askedMs : null;
  const gateUntil = status === 503 && heeded !== null ? after(ended.endedAt, heeded) : null;
  return charged(ended, attempt, schedule, { atLeastMs: heeded ?? 0, gateUntil });
}

function classifyFailure(ended: Ended, failed: Failed, schedule: Schedule): Outcome {
  const attempt = attemptOf(ended, failed.reason, failed.message);
  if (failed.reason === 'egress') return { kind: 'disable', attempt, reason: failed.message };
  if (failed.reason !== 'internal')
    return charged(ended, attempt, schedule, { atLeastMs: 0, gateUntil: null });
  const delayMs = INTERNAL_RETRY_MS * (1 + schedule.random());
  const nextAttemptAt = after(ended.endedAt, delayMs);
  return { kind: 'retry', attempt, charged: false, nextAttemptAt, gateUntil: null, nextBody: null };
}

function charged(
  ended: Ended,
  attempt: Attempt,
  schedule: Schedule,
  wait: { readonly atLeastMs: number; readonly gateUntil: Date | null },
): Outcome {
  const delayMs = retryDelayMs(ended.attemptCount + 1, schedule.random, schedule.delaysMs);
  if (delayMs === null) return { kind: 'exhausted', attempt };
  const nextAttemptAt = after(ended.endedAt, Math.max(delayMs, wait.atLeastMs));
  return {
    kind: 'retry',
    attempt,
    charged: true,
    nextAttemptAt,
    gateUntil: wait.gateUntil,
    nextBody: null,
  };
}

/** The host is named, and no more of the target: its path may hold a token. */
function redirectError(answer: Answered): string {
  const target = answer.location === null ? null : URL.parse(answer.location, `http://${SAME_HOST}`);
  const to = target?.host === SAME_HOST ? 'another path of the same host' : target?.host;
  return `Answered ${answer.status}${to ? ` and points to ${to}` : ''}; redirects are not followed: change the URL`;
}

function attemptOf(ended: Ended, outcome: string, error: string | null): Attempt {
  const { result } = ended;
  const answered = result.kind === 'answered' ? result : null;
  return {
    at: ended.startedAt.toISOString(),
    trigger: ended.trigger,
    status: answered?.status ?? null,
    outcome,
    error,
    durationMs: result.durationMs,
    response: answered?.text ?? null,
  };
}

function after(start: Date, delayMs: number): Date {
  return new Date(start.getTime() + Math.round(delayMs));
}
