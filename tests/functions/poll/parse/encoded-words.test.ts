import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeWords } from '../../../../functions/poll/parse/encoded-words.ts';

describe('decodeWords()', () => {
  it.each([
    ['=?utf-8?Q?caf=C3=A9_au=20lait?=', 'café au lait'],
    ['=?utf-8?B?Y2Fmw6k=?=', 'café'],
    ['a =?utf-8?Q?b?= c', 'a b c'],
    ['=?utf-8?Q?a?= =?utf-8?Q?b?=', 'ab'],
    ['=?utf-8?Q?a?=, =?utf-8?Q?b?=', 'a, b'],
    ['=?utf-8*de?Q?=C3=BC?=', 'ü'],
    ['=?iso-8859-1?Q?=E9?= =?koi8-r?B?8A==?=', 'éП'],
    ['=?us-ascii?Q??=', ''],
  ])('reads what RFC 2047 allows: %s', (text, expected) => {
    expect(decodeWords(text)).toBe(expected);
  });

  it.each([
    ['characters split between words', '=?UTF-8?Q?caf=C3?= =?utf-8?Q?=A9?=', 'café'],
    ['characters split between the two encodings', '=?utf-8?B?Y2Fmww==?= =?utf-8?Q?=A9?=', 'café'],
    ['a group of base64 split between words', '=?utf-8?B?w6?= =?utf-8?B?k=?=', 'é'],
    ['words glued together', '=?utf-8?Q?a?==?utf-8?Q?b?=', 'ab'],
    ['a word glued to others', 'x=?utf-8?Q?b?=y', 'xby'],
    ['raw bytes of the text', '=?utf-8?Q?café?=', 'café'],
    ['plain text called base64', '=?utf-8?B?café?=', 'café'],
    ['spaces inside', '=?utf-8?Q?a b c?=', 'a b c'],
    ['spaces around the parts', '=? utf-8 ?Q?abc?=', 'abc'],
    ['spaces in base64', '=?utf-8?B?Y2Fm w6k=?=', 'café'],
    ['no padding', '=?utf-8?B?w6k?=', 'é'],
    ['too much padding', '=?utf-8?B?w6k=====?=', 'é'],
    ['padding in the middle', '=?utf-8?B?w6k=w6k=?=', 'éé'],
    ['small hexadecimal digits', '=?utf-8?q?=c3=a9?=', 'é'],
    ['an equals sign alone', '=?utf-8?Q?100%=?=', '100%='],
    ['a question mark inside', '=?utf-8?Q?a?b?=', 'a?b'],
    ['UTF-7', '=?unicode-1-1-utf-7?Q?caf+AOk-?=', 'café'],
    ['an unknown charset', '=?x-nope?Q?=E9?=', 'é'],
    ['bytes that are no UTF-8', '=?utf-8?Q?caf=E9?=', 'café'],
    ['a word without an end before one', '=?utf-8?Q?a =?utf-8?Q?b?=', '=?utf-8?Q?a b'],
  ])('reads what mailers make of it: %s', (_, text, expected) => {
    expect(decodeWords(text)).toBe(expected);
  });

  it.each(['=?utf-8?X?abc?=', '=?utf-8?Q?abc', '=?', '?=', '=??Q?abc?=', '=?a?', 'x =? y ?= z', '='])(
    'leaves %j alone',
    (text) => {
      expect(decodeWords(text)).toBe(text);
    },
  );

  it('does not decode twice', () => {
    expect(decodeWords('=?utf-8?Q?=3D=3Futf-8=3FQ=3Fa=3F=3D?=')).toBe('=?utf-8?Q?a?=');
  });

  it('gives back any text, cut into words anywhere, even inside of characters', () => {
    const cut = fc.tuple(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
      fc.boolean(),
    );
    fc.assert(
      fc.property(cut, ([text, sizes, isBase64]) => {
        const bytes = Buffer.from(text);
        const words: string[] = [];
        for (let at = 0; at < bytes.length; ) {
          const size = isBase64 ? 3 * (sizes.next().value ?? 1) : (sizes.next().value ?? 1);
          const piece = bytes.subarray(at, at + size);
          const content = isBase64
            ? piece.toString('base64')
            : piece.toString('hex').replace(/../g, (hex) => `=${hex.toUpperCase()}`);
          words.push(`=?UTF-8?${isBase64 ? 'B' : 'Q'}?${content}?=`);
          at += size;
        }
        expect(decodeWords(words.join(' '))).toBe(text.toWellFormed());
      }),
    );
  });

  it.each([
    ['opened words', '=?a?Q? '.repeat(50_000)],
    ['opened words and one end', `${'=?a?Q? '.repeat(50_000)}?=`],
    ['empty words', '=?a?Q??='.repeat(50_000)],
    ['words with an equals sign first', '=?a?Q?=x '.repeat(50_000)],
    ['beginnings', '=?'.repeat(200_000)],
    ['unpadded base64', '=?utf-8?B?w6?= '.repeat(25_000)],
  ])('takes no time over many %s', (_, text) => {
    const before = performance.now();
    decodeWords(text);
    expect(performance.now() - before).toBeLessThan(2_000);
  });
});
