import { Transform, type TransformCallback } from 'node:stream';

const EQUALS = 0x3d;
const SPACE = 0x20;
const TAB = 0x09;
const CR = 0x0d;
const LF = 0x0a;

/** White space at the end of a line is dropped; of a longer run, which no line of RFC 5322 can hold, it is kept. */
const MAX_HELD_SPACES = 1_000;

/** What the bytes so far end in: nothing open, `=`, `=` and a hex digit, or `=` and CR. */
type State = 'text' | 'equals' | 'hex' | 'equals-cr';

/**
 * Decodes quoted-printable (RFC 2045 section 6.7) as it flows, in the memory of one chunk. White space at the ends of
 * lines and soft line breaks go; an `=` that begins neither an escape nor a break stays as it is.
 */
export function quotedPrintableDecoder(): Transform {
  const machine = new Machine();
  return new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback) {
      done(null, machine.decode(chunk));
    },
    flush(done: TransformCallback) {
      done(null, machine.end());
    },
  });
}

/** All of it at once; see `quotedPrintableDecoder`. */
export function decodeQuotedPrintable(bytes: Buffer): Buffer {
  const machine = new Machine();
  const decoded = machine.decode(bytes);
  const end = machine.end();
  return end.length === 0 ? decoded : Buffer.concat([decoded, end]);
}

class Machine {
  #state: State = 'text';
  /** The hex digit behind the `=`. */
  #digit = 0;
  readonly #spaces = Buffer.alloc(MAX_HELD_SPACES);
  #spaceCount = 0;
  #out = Buffer.alloc(0);
  #length = 0;

  decode(chunk: Buffer): Buffer {
    // What is held back may come out as it was, besides what the chunk makes.
    this.#out = Buffer.allocUnsafe(chunk.length + this.#spaceCount + 2);
    this.#length = 0;
    for (const byte of chunk) {
      if (this.#state === 'text') this.#text(byte);
      else this.#open(byte);
    }
    return this.#out.subarray(0, this.#length);
  }

  /** At the end white space and a lone `=` go as at the end of a line; what else is held stays. */
  end(): Buffer {
    if (this.#state === 'hex') return Buffer.from([EQUALS, this.#digit]);
    return this.#state === 'equals-cr' ? Buffer.from([EQUALS, CR]) : Buffer.alloc(0);
  }

  #text(byte: number): void {
    if (byte === SPACE || byte === TAB) {
      this.#hold(byte);
      return;
    }
    if (byte === CR || byte === LF) this.#spaceCount = 0;
    else if (this.#spaceCount > 0) this.#emitSpaces();
    if (byte === EQUALS) this.#state = 'equals';
    else this.#emit(byte);
  }

  #open(byte: number): void {
    const state = this.#state;
    if (state === 'equals' && (byte === SPACE || byte === TAB)) {
      this.#hold(byte);
      return;
    }
    if (byte === LF && state !== 'hex') {
      this.#close();
      return;
    }
    if (state === 'equals' && byte === CR) {
      this.#spaceCount = 0;
      this.#state = 'equals-cr';
      return;
    }
    const value = hexValue(byte);
    if (state === 'equals' && value >= 0 && this.#spaceCount === 0) {
      this.#digit = byte;
      this.#state = 'hex';
      return;
    }
    if (state === 'hex' && value >= 0) {
      this.#emit(hexValue(this.#digit) * 16 + value);
      this.#close();
      return;
    }
    // No escape and no break after all.
    this.#emit(EQUALS);
    if (state === 'hex') this.#emit(this.#digit);
    if (state === 'equals-cr') this.#emit(CR);
    this.#state = 'text';
    this.#text(byte);
  }

  #close(): void {
    this.#spaceCount = 0;
    this.#state = 'text';
  }

  #hold(byte: number): void {
    if (this.#spaceCount === MAX_HELD_SPACES) {
      if (this.#state === 'equals') this.#emit(EQUALS);
      this.#state = 'text';
      this.#emitSpaces();
    }
    this.#spaces[this.#spaceCount] = byte;
    this.#spaceCount += 1;
  }

  #emit(byte: number): void {
    this.#out[this.#length] = byte;
    this.#length += 1;
  }

  #emitSpaces(): void {
    // One space is what words have between them; a call to copy it costs more than all the rest.
    if (this.#spaceCount === 1) this.#emit(this.#spaces[0] ?? SPACE);
    else this.#length += this.#spaces.copy(this.#out, this.#length, 0, this.#spaceCount);
    this.#spaceCount = 0;
  }
}

/** 0 to 15; -1 of a byte that is no hex digit. Small letters are not allowed, and common. */
function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte & 0xdf;
  return letter >= 0x41 && letter <= 0x46 ? letter - 0x41 + 10 : -1;
}
