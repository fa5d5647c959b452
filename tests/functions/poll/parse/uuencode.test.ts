import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { uuDecoder } from '../../../../functions/poll/parse/uuencode.ts';

/** Decodes what comes in pieces of that size. */
function decoded(content: Buffer, pieceBytes = content.length || 1): Buffer {
  const decoder = uuDecoder();
  const chunks: Buffer[] = [];
  decoder.on('data', (chunk: Buffer) => chunks.push(chunk));
  for (let at = 0; at < content.length; at += pieceBytes)
    decoder.write(content.subarray(at, at + pieceBytes));
  decoder.end();
  return Buffer.concat(chunks);
}

/** As uuencode writes it, with a grave accent for zero. */
function encoded(bytes: Uint8Array, eol: string): Buffer {
  const char = (value: number) => (value === 0 ? '`' : String.fromCharCode(value + 0x20));
  const lines = ['begin 644 a.bin'];
  for (let at = 0; at < bytes.length; at += 45) {
    const line = bytes.subarray(at, at + 45);
    let text = char(line.length);
    for (let i = 0; i < line.length; i += 3) {
      const [a, b, c] = [line[i] ?? 0, line[i + 1] ?? 0, line[i + 2] ?? 0];
      text += [a >> 2, ((a & 3) << 4) | (b >> 4), ((b & 15) << 2) | (c >> 6), c & 63].map(char).join('');
    }
    lines.push(text);
  }
  return Buffer.from([...lines, '`', 'end', ''].join(eol), 'latin1');
}

describe('uuDecoder()', () => {
  it('gives back any bytes, in pieces of any size, with either line end', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 1, max: 70 }),
        fc.constantFrom('\n', '\r\n'),
        (bytes, piece, eol) => {
          expect(decoded(encoded(bytes, eol), piece)).toEqual(Buffer.from(bytes));
        },
      ),
    );
  });

  it('reads the vector of the Unix command', () => {
    expect(decoded(Buffer.from('begin 644 cat.txt\n#0V%T\n`\nend\n')).toString()).toBe('Cat');
  });

  it('pads a line whose spaces at the end a gateway has taken, and ends one that is too long', () => {
    expect(decoded(Buffer.from('begin 644 a\n#86\nend\n'))).toEqual(Buffer.from([0x61, 0x60, 0]));
    expect(decoded(Buffer.from('begin 644 a\n#86)Cjunk\nend\n')).toString()).toBe('abc');
  });

  it('leaves out what stands around the file', () => {
    expect(decoded(Buffer.from('Dear all\nbegin 600 a b\n#86)C\nend\n#86)C\n')).toString()).toBe('abc');
  });

  it.each(['no uuencode', 'two\nlines', '', 'beginning of a letter\n'])('gives %j as it stands', (text) => {
    expect(decoded(Buffer.from(text), 3).toString()).toBe(text);
  });

  it('keeps nothing of a long content without a file in it', () => {
    const content = Buffer.alloc(300_000, 'no file\n');
    expect(decoded(content, 10_000).equals(content)).toBe(true);
  });
});
