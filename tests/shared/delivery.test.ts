import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RETRY_DELAYS_MS, retryDelayMs } from '../../shared/delivery.ts';

describe('retryDelayMs()', () => {
  it('makes 10 attempts over at least 75 h 35 m 05 s', () => {
    const delays: number[] = [];
    for (let made = 1; ; made++) {
      const delay = retryDelayMs(made, () => 0);
      if (delay === null) break;
      delays.push(delay);
    }
    expect(delays).toHaveLength(9);
    expect(delays.reduce((sum, delay) => sum + delay, 0)).toBe(272_105_000);
  });

  it('never comes earlier than promised, nor more than a fifth or 5 s later', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (made, random) => {
          const base = RETRY_DELAYS_MS[made - 1] ?? 0;
          const delay = retryDelayMs(made, () => random) ?? 0;
          expect(delay).toBeGreaterThanOrEqual(base);
          expect(delay).toBeLessThanOrEqual(base + Math.max(base * 0.2, 5_000));
        },
      ),
    );
  });

  it('is exhausted after the last delay', () => {
    expect(retryDelayMs(10, () => 0)).toBeNull();
    expect(retryDelayMs(2, () => 0, [1])).toBeNull();
  });
});
