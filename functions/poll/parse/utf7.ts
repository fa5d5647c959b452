const PLUS = 0x2b;
const MINUS = 0x2d;
const BITS_PER_CHAR = 6;
const BITS_PER_UNIT = 16;

/** What it takes to write one UTF-16 unit in base64. */
const MIN_UNIT_CHARS = 3;

/** The six bits of each byte that is a character of base64; -1 of any other. */
const VALUES = new Int8Array(256).fill(-1);
for (const [value, char] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
].entries()) {
  VALUES[char.charCodeAt(0)] = value;
}

/**
 * Decodes UTF-7 (RFC 2152) in linear time and four times the memory of the bytes. What cannot be a shift stays as it stands:
 * mail that says UTF-7 and holds a plain `+` is in use.
 */
export function decodeUtf7(bytes: Buffer): string {
  const units = new Uint16Array(bytes.length);
  let count = 0;
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] ?? 0;
    const end = byte === PLUS ? base64End(bytes, at + 1) : at;
    const isEscapedPlus = byte === PLUS && bytes[at + 1] === MINUS;
    if (end - at - 1 < MIN_UNIT_CHARS) {
      units[count] = byte;
      count += 1;
      at += isEscapedPlus ? 2 : 1;
      continue;
    }
    count = decodeUnits(bytes.subarray(at + 1, end), units, count);
    at = bytes[end] === MINUS ? end + 1 : end;
  }
  return Buffer.from(units.buffer, 0, count * 2).toString('utf16le');
}

function base64End(bytes: Buffer, start: number): number {
  let end = start;
  while (end < bytes.length && (VALUES[bytes[end] ?? 0] ?? -1) >= 0) end += 1;
  return end;
}

/** Bits that do not fill the last unit are padding. */
function decodeUnits(base64: Buffer, units: Uint16Array, start: number): number {
  let count = start;
  let bits = 0;
  let held = 0;
  for (const byte of base64) {
    held = ((held << BITS_PER_CHAR) | (VALUES[byte] ?? 0)) & 0x3fffff;
    bits += BITS_PER_CHAR;
    if (bits < BITS_PER_UNIT) continue;
    bits -= BITS_PER_UNIT;
    units[count] = (held >> bits) & 0xffff;
    count += 1;
  }
  return count;
}
