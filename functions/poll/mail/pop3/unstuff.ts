const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;
const LINE_WITH_DOT = Buffer.from('\r\n.');
const HELD_CR = Buffer.from('\r');

/** Where in a line the next byte stands; `dot` and `dot-cr` follow a dot at its beginning, which was dropped. */
type Place = 'line-start' | 'dot' | 'dot-cr' | 'inside' | 'cr';

/**
 * Takes the body of one multi-line reply out of a byte stream (RFC 1939 section 3): drops the one stuffed dot of each
 * line, ends behind the line that is just a dot, keeps every other byte as it is, the CRLF of the last line included.
 * What a chunk ends with does not matter: the place in the line is kept between chunks.
 */
export class Unstuffer {
  #place: Place = 'line-start';
  #done = false;

  /** Whether the end of the body was read. */
  get done(): boolean {
    return this.#done;
  }

  /**
   * Reads `chunk` from `offset` and hands the body's bytes on as slices of it. Returns the offset behind the last byte
   * that belongs to the body: less than `chunk.length` only at its end.
   */
  write(chunk: Buffer, offset: number, emit: (part: Buffer) => void): number {
    let from = offset;
    let at = offset;
    const flush = (to: number) => {
      if (to > from) emit(chunk.subarray(from, to));
    };
    while (at < chunk.length) {
      if (this.#place === 'inside') {
        // Lines without a leading dot need no look at their bytes: a native search jumps over all of them.
        const next = chunk.indexOf(LINE_WITH_DOT, at);
        if (next === -1) {
          this.#place = placeBehind(chunk);
          break;
        }
        at = next + 2;
        this.#place = 'line-start';
      }
      const byte = chunk[at];
      if (this.#place === 'line-start' && byte === DOT) {
        flush(at);
        from = at + 1;
        this.#place = 'dot';
      } else if (this.#place === 'dot' && byte === CR) {
        from = at + 1;
        this.#place = 'dot-cr';
      } else if (this.#place === 'dot-cr' && byte === LF) {
        this.#done = true;
        return at + 1;
      } else {
        if (this.#place === 'dot-cr') emit(HELD_CR);
        this.#place = placeAfter(this.#place, byte);
      }
      at += 1;
    }
    flush(chunk.length);
    return chunk.length;
  }
}

function placeAfter(place: Place, byte: number | undefined): Place {
  if (byte === CR) return 'cr';
  return byte === LF && place === 'cr' ? 'line-start' : 'inside';
}

/**
 * The place behind the last byte of a chunk whose rest has no CRLF-dot. Where the rest begins does not matter: a byte
 * that is inside a line does not follow a CR.
 */
function placeBehind(chunk: Buffer): Place {
  const last = chunk.length - 1;
  if (chunk[last] === CR) return 'cr';
  return chunk[last] === LF && chunk[last - 1] === CR ? 'line-start' : 'inside';
}
