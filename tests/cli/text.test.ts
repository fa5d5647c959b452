import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueTime, duration, printable, relativeTime, valueText } from '../../cli/text.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000).toISOString();

describe('relativeTime()', () => {
  it.each([
    [0, 'now'],
    [-1, 'now'],
    [-2, '2 s ago'],
    [-59, '59 s ago'],
    [-60, '1 min ago'],
    [-3_599, '59 min ago'],
    [-3_600, '1 h ago'],
    [-172_799, '47 h ago'],
    [-172_800, '2 d ago'],
    [90, 'in 1 min'],
    [86_400, 'in 24 h'],
  ])('of %i seconds is "%s"', (seconds, text) => {
    expect(relativeTime(at(seconds), NOW)).toBe(text);
  });

  it('of no time is a dash, and of nonsense that nonsense, cleaned', () => {
    expect(relativeTime(null, NOW)).toBe('-');
    expect(relativeTime('x\u001b[2J', NOW)).toBe('x [2J');
  });
});

describe('dueTime()', () => {
  it.each([
    [-60, 'now'],
    [0, 'now'],
    [90, 'in 1 min'],
  ])('%i seconds from now is "%s"', (seconds, text) => {
    expect(dueTime(at(seconds), NOW)).toBe(text);
  });

  it('of no time is a dash', () => {
    expect(dueTime(null, NOW)).toBe('-');
  });
});

describe('duration()', () => {
  it('never says 0 of a unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000_000 }), (seconds) => {
        expect(duration(seconds)).toMatch(/^[1-9]\d* (s|min|h|d)$/);
      }),
    );
  });
});

describe('printable()', () => {
  it('lets no control character, line break or change of direction through, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });

  it('leaves words of every script alone, and what joins emoji', () => {
    const text = 'Grüße, 漢字, שלום, 👩‍👩‍👧 №7';
    expect(printable(text)).toBe(text);
  });
});

describe('valueText()', () => {
  it.each([
    [null, '-'],
    ['', '-'],
    [[], '-'],
    [0, '0'],
    [false, 'false'],
    [['a', 'b'], 'a, b'],
    [{ code: 'auth', message: 'no\u0007' }, 'code auth, message no '],
  ])('of %j is "%s"', (value, text) => {
    expect(valueText(value)).toBe(text);
  });
});
