import { Transform, type TransformCallback } from 'node:stream';

const LF = '\n';
const BEGIN = /^begin [0-7]{3,4} /;

/** The longest line: its length, 60 characters for 45 bytes, and what a mailer may have put behind. */
const MAX_LINE_CHARS = 100;

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
    const decoded = lines.map((line) => this.#line(line));
    if (this.#state !== 'before' || this.#seen.length <= MAX_SEEN_CHARS) return Buffer.concat(decoded);
    this.#state = 'plain';
    return Buffer.from(this.#seen + this.#open, 'latin1');
  }

  end(): Buffer {
    if (this.#state === 'before') return Buffer.from(this.#seen + this.#open, 'latin1');
    return this.#state === 'inside' ? this.#line(this.#open) : Buffer.alloc(0);
  }

  #line(line: string): Buffer {
    if (this.#state === 'before') {
      this.#seen += line + LF;
      if (BEGIN.test(line)) this.#state = 'inside';
    } else if (this.#state === 'inside') {
      if (!/^end\s*$/.test(line)) return decodeLine(line.slice(0, MAX_LINE_CHARS));
      this.#state = 'behind';
    }
    return Buffer.alloc(0);
  }
}

/** One character that says how many bytes the line has, then four for each three of them. */
function decodeLine(line: string): Buffer {
  const text = line.trimEnd();
  const size = valueAt(text, 0);
  const bytes = Buffer.alloc(Math.ceil(size / 3) * 3);
  for (let at = 0, char = 1; at < size; at += 3, char += 4) {
    const group =
      (valueAt(text, char) << 18) |
      (valueAt(text, char + 1) << 12) |
      (valueAt(text, char + 2) << 6) |
      valueAt(text, char + 3);
    bytes.writeUIntBE(group, at, 3);
  }
  return bytes.subarray(0, size);
}

/** Six bits, with a space and a grave accent for 0; what is missing at the end were spaces. */
function valueAt(text: string, at: number): number {
  return at < text.length ? (text.charCodeAt(at) - 0x20) & 0x3f : 0;
}
