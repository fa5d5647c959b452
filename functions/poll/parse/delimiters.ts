const DASH = 0x2d;
const CR = 0x0d;
const LF = 0x0a;

/**
 * Reads a line that is no delimiter (RFC 2046 section 5.1.1) but was one before something happened to it.
 *
 * @param start Where the line's text begins.
 * @returns 1 for a delimiter that ends the message without a line end, and for half of a close delimiter (`--boundary-`),
 *   since parts may follow; 2 for a close delimiter with something behind it (`--boundary-->`); else false.
 */
export function damagedDelimiter(line: Buffer, start: number, boundary: Buffer): 1 | 2 | false {
  const end = start + 2 + boundary.length;
  if (line.length < end || !line.subarray(start + 2, end).equals(boundary)) return false;
  if (line.length === end) return 1;
  if (line[end] !== DASH) return false;
  const next = line[end + 1];
  if (next === undefined || next === CR || next === LF) return 1;
  // A longer row of dashes is a line of a letter.
  return next === DASH && line[end + 2] !== DASH ? 2 : false;
}

/** Whether a piece of a message is one line end and no more. */
export function isLineEnd(piece: Buffer): boolean {
  if (piece.length === 0 || piece.length > 2 || piece[piece.length - 1] !== LF) return false;
  return piece.length === 1 || piece[0] === CR;
}

/** Whether the memory that a piece of a message lies in goes on with that delimiter. */
export function hasDelimiterBehind(piece: Buffer, boundary: Buffer): boolean {
  const behind = Buffer.from(piece.buffer, piece.byteOffset + piece.length);
  return behind[0] === DASH && behind[1] === DASH && behind.subarray(2, 2 + boundary.length).equals(boundary);
}
