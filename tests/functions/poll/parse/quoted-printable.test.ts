import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quotedPrintableDecoder } from '../../../../functions/poll/parse/quoted-printable.ts';

async function decode(text: string, cuts: readonly number[] = []): Promise<string> {
  const decoder = quotedPrintableDecoder();
  const bytes = Buffer.from(text, 'latin1');
  let at = 0;
  for (const size of cuts) {
    decoder.write(bytes.subarray(at, at + size));
    at += size;
  }
  decoder.end(bytes.subarray(at));
  const chunks = await decoder.toArray();
  return Buffer.concat(chunks).toString('latin1');
}

describe('quotedPrintableDecoder()', () => {
  it.each([
    ['escapes in both cases', 'a=C3=bc', 'a\xc3\xbc'],
    ['a soft break', 'one=\r\ntwo=\nthree', 'onetwothree'],
    ['a soft break with white space behind it', 'one= \t\r\ntwo', 'onetwo'],
    ['a soft break at the end', 'one=', 'one'],
    ['white space at the end of a line', 'one \t\r\ntwo  \nthree ', 'one\r\ntwo\nthree'],
    ['white space within a line', 'a  b\tc', 'a  b\tc'],
    ['an encoded space at the end of a line', 'a=20\r\nb', 'a \r\nb'],
    ['an = that begins nothing', 'a=b=G1==3D', 'a=b=G1=='],
    ['an escape without its end', 'a=4', 'a=4'],
    ['an = and spaces within a line', 'a= b', 'a= b'],
    ['an = and CR alone', 'a=\rb=\r', 'a=\rb=\r'],
    ['raw 8-bit bytes', '\xfc=FC', '\xfc\xfc'],
    ['more white space than a line holds', `a${' '.repeat(2_500)}b`, `a${' '.repeat(2_500)}b`],
    ['nothing', '', ''],
  ])('decodes %s', async (_, text, expected) => {
    expect(await decode(text)).toBe(expected);
  });

  it('decodes what was encoded, wherever the chunks are cut', async () => {
    const bytes = fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array).toString('latin1'));
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(fc.nat(9)), async (text, cuts) => {
        const escaped = [...text].map((byte) => `=${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
        const lines = escaped.map((code, i) => (i % 7 === 6 ? `${code}=\r\n` : code));
        expect(await decode(lines.join('').toUpperCase(), cuts)).toBe(text);
      }),
    );
  });

  it('gives the same for any input, wherever the chunks are cut', async () => {
    const token = fc.constantFrom(
      '=',
      'A',
      '4',
      ' ',
      '\t',
      '\r',
      '\n',
      '\r\n',
      'x',
      '=41',
      '=\r\n',
      ' '.repeat(1_500),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(token, { maxLength: 20 }), fc.array(fc.nat(5)), async (tokens, cuts) => {
        const text = tokens.join('');
        expect(await decode(text, cuts)).toBe(await decode(text));
      }),
    );
  });
});
