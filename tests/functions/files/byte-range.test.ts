import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesEtag, parseByteRange } from '../../../functions/files/byte-range.ts';

describe('parseByteRange()', () => {
  it.each([
    ['bytes=0-3', { first: 0, last: 3 }],
    ['bytes=2-', { first: 2, last: 9 }],
    ['bytes=-3', { first: 7, last: 9 }],
    ['bytes=-100', { first: 0, last: 9 }],
    ['bytes=5-100', { first: 5, last: 9 }],
    ['BYTES = 9-9', { first: 9, last: 9 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    // RFC 9110 section 14.1.1 and 14.2: what is malformed, or asks for several, counts as not there.
    ['bytes=3-2', 'whole'],
    ['bytes=0-1,3-4', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=a-b', 'whole'],
    ['lines=0-1', 'whole'],
    ['bytes=0-99999999999999999999', 'whole'],
    [undefined, 'whole'],
  ])('reads %j of ten bytes', (header, expected) => {
    expect(parseByteRange(header, 10)).toEqual(expected);
  });

  it('finds no range in a file without bytes', () => {
    for (const header of ['bytes=0-', 'bytes=0-0', 'bytes=-1']) {
      expect(parseByteRange(header, 0)).toBe('unsatisfiable');
    }
  });

  it('never leads out of the file', () => {
    fc.assert(
      fc.property(fc.nat(), fc.option(fc.nat()), fc.nat({ max: 1_000 }), (start, end, size) => {
        const range = parseByteRange(`bytes=${start}-${end ?? ''}`, size);
        if (typeof range === 'string') return;
        expect(range.first).toBeGreaterThanOrEqual(0);
        expect(range.last).toBeGreaterThanOrEqual(range.first);
        expect(range.last).toBeLessThan(size);
      }),
    );
  });
});

describe('matchesEtag()', () => {
  it.each([
    ['"a"', true],
    ['W/"a"', true],
    ['"b", "a"', true],
    ['*', true],
    ['"b"', false],
    ['a', false],
    [undefined, false],
  ])('%j', (header, expected) => {
    expect(matchesEtag(header, '"a"')).toBe(expected);
  });
});
