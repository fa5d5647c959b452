import { Transform, type TransformCallback } from 'node:stream';

const LF = '\n';
const BEGIN = /^begin [0-7]{3,4} /;

/** The longest line: its length, 60 characters for 45 bytes, and what a mailer may have put behind. */
const MAX_LINE_CHARS = 100;

/** As many as six bits can say, which is a whole number of groups. */
const MAX_LINE_BYTES = 63;

/** What is kept of a line without an end; mail has no longer lines (RFC 5322 section 2.1.1). */
const MAX_OPEN_CHARS = 1_000;

/** How far the first `begin` is looked for. */
const MAX_SEEN_CHARS = 64 * 1024;

/**
 * Decodes uuencode (POSIX uuencode, historical algorithm) as it flows: what stands between the lines `begin` and `end`.
 * A line that is shorter than it says counts as padded, and a longer one as ended; content that has no `begin` is
 * given as it stands.
 */
export function uuDecoder(): Transform {
  const decoder = new Decoder();
  return new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback) {
      done(null, decoder.decode(chunk.toString('latin1')));
    },
    flush(done: TransformCallback) {
      done(null, decoder.end());
    },
  });
}

/** What the lines so far were: none of a file yet, lines of a file, those behind it, or no uuencode at all. */
type State = 'before' | 'inside' | 'behind' | 'plain';

class Decoder {
  #state: State = 'before';
  /** The last line, which has no end yet. */
  #open = '';
  /** What was seen before the first `begin`: given as it stands when none comes. */
  #seen = '';

  decode(text: string): Buffer {
    if (this.#state === 'plain') return Buffer.from(text, 'latin1');
    if (this.#state === 'behind') return Buffer.alloc(0);
    const lines = (this.#open + text).split(LF);
    this.#open = lines.pop() ?? '';
    if (this.#open.length > MAX_OPEN_CHARS) {
      lines.push(this.#open);
      this.#open = '';
    }
    const decoded = this.#lines(lines);
    if (this.#state !== 'before' || this.#seen.length <= MAX_SEEN_CHARS) return decoded;
    this.#state = 'plain';
    return Buffer.from(this.#seen + this.#open, 'latin1');
  }

  end(): Buffer {
    if (this.#state === 'before') return Buffer.from(this.#seen + this.#open, 'latin1');
    return this.#state === 'inside' ? this.#lines([this.#open]) : Buffer.alloc(0);
  }

  #lines(lines: readonly string[]): Buffer {
    const decoded = Buffer.alloc(lines.length * MAX_LINE_BYTES);
    let length = 0;
    for (const line of lines) {
      if (this.#state === 'inside') {
        if (line.startsWith('end') && line.trimEnd() === 'end') this.#state = 'behind';
        else length += decodeLine(line.slice(0, MAX_LINE_CHARS), decoded, length);
      } else if (this.#state === 'before') {
        this.#seen += line + LF;
        if (BEGIN.test(line)) this.#state = 'inside';
      }
    }
    return decoded.subarray(0, length);
  }
}

/**
 * One character that says how many bytes the line has, then four for each three of them. Writes them into zeros at an offset,
 * and answers with their number.
 */
function decodeLine(line: string, into: Buffer, offset: number): number {
  const text = line.trimEnd();
  const size = valueAt(text, 0);
  for (let at = 0, char = 1; at < size && char < text.length; at += 3, char += 4) {
    const second = valueAt(text, char + 1);
    const third = valueAt(text, char + 2);
    into[offset + at] = (valueAt(text, char) << 2) | (second >> 4);
    // The last group may hold more than the line says it has.
    if (at + 1 < size) into[offset + at + 1] = ((second & 0xf) << 4) | (third >> 2);
    if (at + 2 < size) into[offset + at + 2] = ((third & 3) << 6) | valueAt(text, char + 3);
  }
  return size;
}

/** Six bits, with a space and a grave accent for 0; what is missing at the end were spaces. */
function valueAt(text: string, at: number): number {
  return at < text.length ? (text.charCodeAt(at) - 0x20) & 0x3f : 0;
}
