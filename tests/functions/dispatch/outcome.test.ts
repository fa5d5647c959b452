import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classify, type Ended } from '../../../functions/dispatch/outcome.ts';
import type { PostResult } from '../../../functions/dispatch/post.ts';
import { RETRY_DELAYS_MS } from '../../../shared/delivery.ts';

const NOW = new Date('2026-11-25T12:00:00Z');
const schedule = { delaysMs: RETRY_DELAYS_MS, random: () => 0 };

type Headers = { retryAfter?: string; control?: string; location?: string };

const answered = (status: number, headers: Headers = {}): PostResult => ({
  kind: 'answered',
  status,
  retryAfter: headers.retryAfter ?? null,
  control: headers.control ?? null,
  location: headers.location ?? null,
  text: 'body',
  durationMs: 12,
});
const failed = (reason: Extract<PostResult, { kind: 'failed' }>['reason']): PostResult => ({
  kind: 'failed',
  reason,
  message: `why ${reason}`,
  durationMs: 12,
});
const ended = (result: PostResult, change: Partial<Ended> = {}): Ended => ({
  startedAt: new Date(NOW.getTime() - 12),
  endedAt: NOW,
  trigger: 'schedule',
  attemptCount: 0,
  reduced: false,
  result,
  ...change,
});
const outcomeOf = (result: PostResult, change: Partial<Ended> = {}) =>
  classify(ended(result, change), schedule).outcome;
/** What a retry comes to, times in ms from now. */
const retryOf = (result: PostResult, change: Partial<Ended> = {}) => {
  const outcome = outcomeOf(result, change);
  if (outcome.kind !== 'retry') return outcome.kind;
  const delayMs = outcome.nextAttemptAt.getTime() - NOW.getTime();
  const gateMs = outcome.gateUntil === null ? null : outcome.gateUntil.getTime() - NOW.getTime();
  return { charged: outcome.charged, delayMs, gateMs };
};
const ordinary = { charged: true, delayMs: 5_000, gateMs: null };

describe('classify()', () => {
  it.each([200, 201, 202, 204, 299])('takes %s for delivered', (status) => {
    const outcome = outcomeOf(answered(status));
    expect(outcome).toEqual({
      kind: 'delivered',
      attempt: {
        at: '2026-11-25T11:59:59.988Z',
        trigger: 'schedule',
        status,
        outcome: 'delivered',
        error: null,
        durationMs: 12,
        response: 'body',
      },
    });
  });

  it.each([
    300, 301, 302, 304, 307, 400, 401, 403, 404, 405, 408, 409, 415, 418, 422, 451, 500, 501, 599, 999,
  ])('retries %s by the schedule', (status) => {
    expect(retryOf(answered(status, { retryAfter: '3600' }))).toEqual(ordinary);
  });

  it('disables the webhook after a 410, and parks the delivery', () => {
    expect(outcomeOf(answered(410))).toMatchObject({
      kind: 'disable',
      attempt: { outcome: 'gone', status: 410 },
    });
  });

  it.each([400, 404, 429, 500, 301])(
    'disables the webhook when a %s says webhook-delivery: disable',
    (status) => {
      const outcome = outcomeOf(answered(status, { control: 'Disable' }));
      expect(outcome).toMatchObject({ kind: 'disable', attempt: { outcome: 'disabled' } });
    },
  );

  it('keeps a delivery that was taken as delivered when its 2xx says webhook-delivery: disable', () => {
    const verdict = classify(ended(answered(200, { control: 'disable' })), schedule);
    expect(verdict.outcome.kind).toBe('delivered');
    expect(verdict.disableReason).toContain('webhook-delivery: disable');
  });

  it('rejects on webhook-delivery: abort-message, but not when the event was taken', () => {
    expect(outcomeOf(answered(422, { control: 'abort-message' }))).toMatchObject({
      kind: 'rejected',
      attempt: { outcome: 'aborted', status: 422 },
    });
    expect(outcomeOf(answered(200, { control: 'abort-message' })).kind).toBe('delivered');
    expect(retryOf(answered(500, { control: 'something-new' }))).toEqual(ordinary);
  });

  it.each([
    [
      '429 closes the gate as long as asked, uncharged',
      429,
      '120',
      { charged: false, delayMs: 120_000, gateMs: 120_000 },
    ],
    [
      '429 without a time closes it for a minute',
      429,
      undefined,
      { charged: false, delayMs: 60_000, gateMs: 60_000 },
    ],
    [
      '429 with garbage closes it for a minute',
      429,
      'soon',
      { charged: false, delayMs: 60_000, gateMs: 60_000 },
    ],
    ['429 with 0 does not make a tight loop', 429, '0', { charged: false, delayMs: 60_000, gateMs: 60_000 }],
    ['429 is capped at a day', 429, '900000', { charged: false, delayMs: 86_400_000, gateMs: 86_400_000 }],
    ['503 closes the gate, charged', 503, '120', { charged: true, delayMs: 120_000, gateMs: 120_000 }],
    ['503 never comes before the schedule', 503, '2', { charged: true, delayMs: 5_000, gateMs: 2_000 }],
    ['503 without a time is ordinary', 503, undefined, ordinary],
    ['503 with a past date is ordinary', 503, 'Sun, 06 Nov 1994 08:49:37 GMT', ordinary],
    ['502 delays this delivery alone', 502, '120', { charged: true, delayMs: 120_000, gateMs: null }],
    ['504 delays this delivery alone', 504, '120', { charged: true, delayMs: 120_000, gateMs: null }],
  ])('%s', (_, status, retryAfter, expected) => {
    expect(retryOf(answered(status, retryAfter === undefined ? {} : { retryAfter }))).toEqual(expected);
  });

  it('asks for the reduced form after a 413, once, and not on the last attempt', () => {
    const reduces = (change: Partial<Ended>) => classify(ended(answered(413), change), schedule).reduce;
    expect(reduces({})).toBe(true);
    expect(reduces({ reduced: true })).toBe(false);
    expect(reduces({ attemptCount: 9 })).toBe(false);
    expect(retryOf(answered(413), { reduced: true })).toEqual(ordinary);
  });

  it.each([
    ['https://other.example/path?token=1', 'points to other.example;'],
    ['//other.example:8443/path', 'points to other.example:8443;'],
    ['/elsewhere?token=1', 'points to another path of the same host;'],
    ['http://[', 'Answered 302; redirects'],
  ])('names the host that a redirect points to, and no more of it: %s', (location, words) => {
    const { attempt } = outcomeOf(answered(302, { location }));
    expect(attempt).toMatchObject({ outcome: 'redirect', error: expect.stringContaining(words) });
    expect(attempt.error).not.toMatch(/token|elsewhere/);
  });

  it.each(['timeout', 'network', 'tls'] as const)('retries after a %s failure by the schedule', (reason) => {
    expect(retryOf(failed(reason))).toEqual(ordinary);
    expect(outcomeOf(failed(reason)).attempt).toMatchObject({
      status: null,
      outcome: reason,
      error: `why ${reason}`,
      response: null,
    });
  });

  it('disables the webhook when the egress policy refuses its address: a retry would be refused as well', () => {
    expect(outcomeOf(failed('egress'))).toMatchObject({ kind: 'disable', reason: 'why egress' });
  });

  it('does not charge a fault of our own, not even on the last attempt', () => {
    const expected = { charged: false, delayMs: 60_000, gateMs: null };
    expect(retryOf(failed('internal'))).toEqual(expected);
    expect(retryOf(failed('internal'), { attemptCount: 9 })).toEqual(expected);
    expect(retryOf(answered(429), { attemptCount: 9 })).toMatchObject({ charged: false });
  });

  it('exhausts after ten charged attempts over 75 h 35 min 05 s', () => {
    let totalMs = 0;
    for (let attemptCount = 0; attemptCount < 9; attemptCount++) {
      const retry = retryOf(answered(500), { attemptCount });
      totalMs += typeof retry === 'string' ? Number.NaN : retry.delayMs;
    }
    expect(totalMs).toBe(((75 * 60 + 35) * 60 + 5) * 1_000);
    expect(outcomeOf(answered(500), { attemptCount: 9 }).kind).toBe('exhausted');
    expect(outcomeOf(failed('timeout'), { attemptCount: 9 }).kind).toBe('exhausted');
  });

  it('never retries before the schedule, never delivers what was not taken, never charges a 429', () => {
    const header = fc.option(
      fc.oneof(fc.string(), fc.nat().map(String), fc.constantFrom('disable', 'abort-message')),
      { nil: null },
    );
    const result: fc.Arbitrary<PostResult> = fc.oneof(
      fc.record({
        kind: fc.constant('answered' as const),
        status: fc.integer({ min: 100, max: 999 }),
        retryAfter: header,
        control: header,
        location: header,
        text: fc.constant(null),
        durationMs: fc.nat(),
      }),
      fc.constantFrom('timeout', 'network', 'tls', 'egress', 'internal').map(failed),
    );
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(result, fc.nat(9), fc.boolean(), random, (post, attemptCount, reduced, jitter) => {
        const verdict = classify(ended(post, { attemptCount, reduced }), {
          ...schedule,
          random: () => jitter,
        });
        const { outcome } = verdict;
        const is2xx = post.kind === 'answered' && post.status >= 200 && post.status < 300;
        expect(outcome.kind === 'delivered').toBe(is2xx);
        if (outcome.kind !== 'retry') return;
        const delayMs = outcome.nextAttemptAt.getTime() - NOW.getTime();
        if (outcome.charged)
          expect(delayMs).toBeGreaterThanOrEqual(RETRY_DELAYS_MS[attemptCount] ?? Infinity);
        expect(delayMs).toBeGreaterThanOrEqual(1_000);
        if (post.kind === 'answered' && post.status === 429) expect(outcome.charged).toBe(false);
        if (outcome.gateUntil)
          expect(outcome.gateUntil.getTime()).toBeLessThanOrEqual(outcome.nextAttemptAt.getTime());
      }),
      { numRuns: 1_000 },
    );
  });
});
