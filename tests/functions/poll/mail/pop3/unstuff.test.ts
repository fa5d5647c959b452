import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Unstuffer } from '../../../../../functions/poll/mail/pop3/unstuff.ts';

/** The wire form of a body (RFC 1939 section 3), made the plain way: line by line. */
function stuff(body: Buffer): Buffer {
  const lines = body.toString('latin1').split('\r\n');
  const open = lines.pop() ?? '';
  const stuffed = [...lines.map((line) => `${line}\r\n`), open === '' ? '' : `${open}\r\n`]
    .map((line) => (line.startsWith('.') ? `.${line}` : line))
    .join('');
  return Buffer.from(`${stuffed}.\r\n`, 'latin1');
}

/** Reads chunks until the end of the body; `left` are the bytes behind it. */
function unstuff(chunks: readonly Buffer[]): { body: Buffer; left: Buffer; done: boolean } {
  const unstuffer = new Unstuffer();
  const parts: Buffer[] = [];
  const left: Buffer[] = [];
  for (const chunk of chunks) {
    const end = unstuffer.done ? 0 : unstuffer.write(chunk, 0, (part) => parts.push(part));
    left.push(chunk.subarray(end));
  }
  return { body: Buffer.concat(parts), left: Buffer.concat(left), done: unstuffer.done };
}

/** Cuts bytes at these places, taken modulo the length. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
}

const octets = fc
  .array(fc.constantFrom(0x2e, 0x0d, 0x0a, 0x61, 0xe9, 0x00), { maxLength: 60 })
  .map((list) => Buffer.from(list));
const linesOfDots = fc
  .array(fc.constantFrom('.', '..', '...', '.x', 'x.', '', '\r', '.\r', '\n.', 'text', 'é'), {
    maxLength: 20,
  })
  .map((lines) => Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1'));

describe('Unstuffer', () => {
  it('reads any body in any chunking byte by byte, and leaves exactly what follows it', () => {
    fc.assert(
      fc.property(
        fc.oneof(octets, linesOfDots),
        octets,
        fc.array(fc.nat(200), { maxLength: 60 }),
        (message, following, places) => {
          const wire = Buffer.concat([stuff(message), following]);
          const { body, left, done } = unstuff(cut(wire, places));
          const whole = message.length === 0 || message.subarray(-2).equals(Buffer.from('\r\n'));
          expect(done).toBe(true);
          expect(body.toString('hex')).toBe(message.toString('hex') + (whole ? '' : '0d0a'));
          expect(left.toString('hex')).toBe(following.toString('hex'));
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it.each([
    ['no byte of the terminator', 'a\r\n'],
    ['a dot at the end of the chunk', 'a\r\n.'],
    ['a dot and a CR at the end of the chunk', 'a\r\n.\r'],
    ['a terminator with bare LF', 'a\n.\n'],
    ['a dot that is not at the start of a line', 'a.\r\n'],
    ['a dot line that does not end', '.\rx\r\n'],
  ])('does not take %s for the end', (_what, wire) => {
    expect(unstuff([Buffer.from(wire)]).done).toBe(false);
  });

  it('keeps a CR that follows a dropped dot and begins no CRLF', () => {
    expect(unstuff([Buffer.from('.\r'), Buffer.from('x\r\n.\r\n')]).body.toString()).toBe('\rx\r\n');
  });
});
