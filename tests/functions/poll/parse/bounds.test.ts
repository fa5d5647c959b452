import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutToJsonBytes, jsonBytes, takeWithin } from '../../../../functions/poll/parse/bounds.ts';
import { cutText } from '../../../../functions/poll/parse/text.ts';

const anyText = fc.string({
  unit: fc.constantFrom('a', '"', '\\', '\n', '\u0001', '\u000b', 'é', '€', '😀', '\u2028'),
});

describe('cutToJsonBytes()', () => {
  it('gives the longest beginning that fits, by what JSON.stringify makes of it', () => {
    fc.assert(
      fc.property(anyText, fc.nat(200), (text, maxBytes) => {
        const cut = cutToJsonBytes(text, maxBytes);
        const kept = [...(cut ?? '')];
        const all = [...text];
        expect(all.slice(0, kept.length)).toEqual(kept);
        if (kept.length > 0) expect(jsonBytes(cut)).toBeLessThanOrEqual(maxBytes);
        if (kept.length < all.length) {
          expect(jsonBytes(all.slice(0, kept.length + 1).join(''))).toBeGreaterThan(maxBytes);
        }
      }),
    );
  });

  it('answers null when not even the quotes fit', () => {
    expect(cutToJsonBytes('a', -5)).toBeNull();
    expect(cutToJsonBytes('a', 2)).toBeNull();
    expect(cutToJsonBytes('a', 3)).toBe('a');
  });
});

describe('takeWithin()', () => {
  it('keeps the first items within both limits, and all of them where they fit', () => {
    const limits = fc.record({ count: fc.nat(20), bytes: fc.nat(3_000) });
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 25 }), limits, (items, limit) => {
        const kept = takeWithin(items, limit, (item) => item.length);
        expect(items.slice(0, kept.length)).toEqual(kept);
        expect(kept.length).toBeLessThanOrEqual(limit.count);
        // The commas between are counted, the brackets are not.
        expect(jsonBytes(kept) - 2).toBeLessThanOrEqual(limit.bytes);
        const next = items.slice(0, kept.length + 1);
        if (next.length > kept.length && next.length <= limit.count) {
          expect(jsonBytes(next) - 1).toBeGreaterThan(limit.bytes);
        }
      }),
    );
  });
});

describe('cutText()', () => {
  it('never leaves half of a surrogate pair', () => {
    expect(cutText('ab😀', 3)).toBe('ab');
    expect(cutText('ab😀', 4)).toBe('ab😀');
    expect(cutText('ab', 2)).toBe('ab');
  });
});
