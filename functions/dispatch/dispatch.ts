import { type Outcome, RETRY_DELAYS_MS } from '../../shared/delivery.ts';
import { deliveryIdOf } from '../../shared/identity.ts';
import type { DispatchJob } from '../../shared/jobs.ts';
import type { LogFields } from '../../shared/ports/log.ts';
import type { Claim } from '../../shared/ports/store.ts';
import type { DispatchDeps } from './deps.ts';
import { frozenBody } from './frozen-body.ts';
import { classify, type Verdict } from './outcome.ts';
import type { PostResult } from './post.ts';
import { reducedBody } from './render.ts';
import { MAX_TIMEOUT_MS, send } from './send.ts';

/** A claim outlives the slowest attempt, with time to read the body and to record how it ended. */
const CLAIM_TTL_MS = MAX_TIMEOUT_MS + 30_000;
/** A next attempt that comes sooner is also enqueued; the store has it due in any case. */
const MAX_HINT_DELAY_MS = 900_000;
/** Retries that this function enqueues for itself: AWS stops a function that feeds itself about 16 times in a row. */
const MAX_HINTS = 2;

/**
 * Attempts each delivery of the job that can be claimed, all at once, and records each as soon as it ends. What goes wrong
 * with one touches no other. Rejects only when the claim fails; then nothing was attempted.
 */
export async function dispatch(deps: DispatchDeps, job: DispatchJob): Promise<void> {
  const claims = await deps.store.claim(job.deliveries, deps.clock.now(), CLAIM_TTL_MS);
  await Promise.all(claims.map((claim) => deliver(deps, claim)));
}

async function deliver(deps: DispatchDeps, claim: Claim): Promise<void> {
  const verdict = await attempt(deps, claim);
  if (verdict === null) return;
  const { outcome, disableReason } = verdict;
  if (outcome.kind !== 'delivered') logFailure(deps, claim, outcome);
  try {
    const now = deps.clock.now();
    await deps.store.finish([{ claim, outcome }], now);
    if (disableReason !== null) {
      await deps.store.updateWebhook(claim.webhook.id, { state: 'disabled', reason: disableReason }, now);
    }
    await hintRetry(deps, claim, outcome, now);
  } catch (error) {
    // The claim's lease ends, and the delivery is attempted again: with the same id and bytes.
    deps.log.error('dispatch.finish-failed', { ...fieldsOf(claim), error: messageOf(error) });
  }
}

/**
 * One attempt; whatever fails on our side makes it a retry that is not charged. Null when the claim was lost before anything
 * was posted.
 */
async function attempt(deps: DispatchDeps, claim: Claim): Promise<Verdict | null> {
  const startedAt = deps.clock.now();
  const startedMs = performance.now();
  const judge = (result: PostResult) =>
    classify(
      {
        startedAt,
        endedAt: deps.clock.now(),
        trigger: claim.trigger,
        attemptCount: claim.attemptCount,
        reduced: claim.reduced,
        result,
      },
      { random: deps.random, delaysMs: deps.retryDelaysMs ?? RETRY_DELAYS_MS },
    );
  try {
    const body = await frozenBody(deps, claim);
    if (body === null) return null;
    const { webhook, eventType, trigger } = claim;
    const { eventId } = claim.ref;
    const number = claim.attemptCount + 1;
    const result = await send(deps, { webhook, eventId, eventType, attempt: number, trigger, body });
    const verdict = judge(result);
    return verdict.reduce ? await reduce(deps, claim, verdict, body) : verdict;
  } catch (error) {
    deps.log.error('dispatch.internal', { ...fieldsOf(claim), error: messageOf(error) });
    const durationMs = Math.round(performance.now() - startedMs);
    const message = 'A fault of mailhook itself, see its log; this attempt does not count';
    return judge({ kind: 'failed', reason: 'internal', message, durationMs });
  }
}

/** Freezes the reduced form for the attempts to come; without one to make it stays an ordinary retry. */
async function reduce(
  deps: DispatchDeps,
  claim: Claim,
  verdict: Verdict,
  body: Uint8Array,
): Promise<Verdict> {
  const { outcome } = verdict;
  if (outcome.kind !== 'retry') return verdict;
  try {
    const reduced = reducedBody(body);
    if (reduced === null) return verdict;
    return { ...verdict, outcome: { ...outcome, nextBody: await deps.blobs.put('body', reduced) } };
  } catch (error) {
    // The receiver was asked and has answered; the next 413 is another chance to reduce.
    deps.log.error('dispatch.reduce-failed', { ...fieldsOf(claim), error: messageOf(error) });
    return verdict;
  }
}

async function hintRetry(deps: DispatchDeps, claim: Claim, outcome: Outcome, now: Date): Promise<void> {
  if (outcome.kind !== 'retry' || !outcome.charged || outcome.gateUntil !== null) return;
  const delayMs = Math.max(0, outcome.nextAttemptAt.getTime() - now.getTime());
  if (delayMs > MAX_HINT_DELAY_MS || claim.attemptCount >= MAX_HINTS) return;
  const job: DispatchJob = { kind: 'dispatch', deliveries: [claim.ref] };
  await deps.queue.enqueue([{ job, group: claim.ref.webhookId }], { delayMs });
}

function logFailure(deps: DispatchDeps, claim: Claim, outcome: Outcome): void {
  deps.log.warn('dispatch.failed', {
    ...fieldsOf(claim),
    ended: outcome.kind,
    outcome: outcome.attempt.outcome,
    status: outcome.attempt.status,
    attempt: claim.attemptCount + 1,
    durationMs: outcome.attempt.durationMs,
  });
}

function fieldsOf(claim: Claim): LogFields {
  return { delivery: deliveryIdOf(claim.ref) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
