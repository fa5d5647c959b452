import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foundBySize, pop3ContinuityBroke } from '../../../functions/poll/reconcile.ts';

describe('foundBySize()', () => {
  it('finds every message of a maildrop whose UIDLs all changed', () => {
    expect([...foundBySize([10, 20, 30], [10, 20, 30]).keys()]).toEqual([0, 1, 2]);
  });

  it('finds the old ones among new ones behind them', () => {
    expect([...foundBySize([10, 20, 30, 40, 50], [10, 20, 30, 40, 50, 60, 10]).keys()]).toEqual([
      0, 1, 2, 3, 4,
    ]);
  });

  it('is not led astray by one early size that now stands at the end', () => {
    const before = [99, 10, 20, 30, 40, 50, 60, 70, 80, 90];
    expect([...foundBySize(before, [...before.slice(1), 99]).keys()]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('takes sizes for no evidence when less than four fifths stand in order', () => {
    expect(foundBySize([10, 20, 30, 40, 50], [10, 20, 30, 1, 2]).size).toBe(0);
    expect(foundBySize([], [1, 2]).size).toBe(0);
    expect(foundBySize([null, null], [null, null]).size).toBe(0);
  });

  it('answers positions whose sizes stand in the old order', () => {
    const sizes = fc.array(fc.nat(5), { maxLength: 30 });
    fc.assert(
      fc.property(sizes, sizes, (before, now) => {
        const found = [...foundBySize(before, now)].sort(([a], [b]) => a - b);
        expect(found.map(([position]) => now[position])).toEqual(found.map(([, at]) => before[at]));
        expect(found.map(([, at]) => at)).toEqual(found.map(([, at]) => at).toSorted((a, b) => a - b));
      }),
    );
  });
});

describe('pop3ContinuityBroke()', () => {
  it.each([
    ['nothing is new', { knownNow: 0, knownBefore: 8, unknown: 0 }, false],
    ['we deleted all there was', { knownNow: 0, knownBefore: 0, unknown: 8 }, false],
    ['half is still known', { knownNow: 4, knownBefore: 8, unknown: 5000 }, false],
    ['most of it is unknown', { knownNow: 3, knownBefore: 8, unknown: 5 }, true],
  ])('is right when %s', (_case, counts, broke) => {
    expect(pop3ContinuityBroke(counts)).toBe(broke);
  });
});
