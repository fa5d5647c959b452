import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { retryAfterMs } from '../../../functions/dispatch/retry-after.ts';

const now = new Date('2026-11-25T12:00:00Z');
const DAY_MS = 86_400_000;

describe('retryAfterMs()', () => {
  it.each([
    ['1', 1_000],
    ['120', 120_000],
    [' 7 ', 7_000],
    ['0007', 7_000],
    ['86401', DAY_MS],
    ['999999999999999', DAY_MS],
    ['Wed, 25 Nov 2026 12:05:00 GMT', 300_000],
    ['Wednesday, 25-Nov-26 12:05:00 GMT', 300_000],
    ['Wed Nov 25 12:05:00 2026', 300_000],
    ['Tue Dec  1 12:00:00 2026', DAY_MS],
    ['Fri, 01 Jan 2100 00:00:00 GMT', DAY_MS],
  ])('reads "%s" as %s ms', (value, waitMs) => {
    expect(retryAfterMs(value, now)).toBe(waitMs);
  });

  it.each([
    ...['', '0', '-1', '+5', '1.5', '1e3', '0x10', 'soon', '120s', '5, 6', '9'.repeat(16), '١٢'],
    ...['Wed, 25 Nov 2026 11:59:59 GMT', 'Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT'],
    ...['2026-11-25T12:05:00Z', 'Wed, 25 Nov 2026 12:05:00', 'Wed, 25 Foo 2026 12:05:00 GMT'],
    ...['Wed, 31 Feb 2027 12:05:00 GMT', 'Wed, 25 Nov 2026 25:00:00 GMT', 'Xxx, 25 Nov 2026 12:05:00 GMT'],
  ])('ignores "%s"', (value) => {
    expect(retryAfterMs(value, now)).toBeNull();
  });

  it('ignores a missing header', () => {
    expect(retryAfterMs(null, now)).toBeNull();
  });

  it('answers for any text nothing or a wait within a day', () => {
    const text = fc.oneof(
      fc.string(),
      fc.integer().map(String),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
    );
    fc.assert(
      fc.property(text, (value) => {
        const waitMs = retryAfterMs(value, now);
        if (waitMs === null) return;
        expect(waitMs).toBeGreaterThan(0);
        expect(waitMs).toBeLessThanOrEqual(DAY_MS);
      }),
    );
  });
});
