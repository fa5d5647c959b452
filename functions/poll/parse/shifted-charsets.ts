import { decode } from 'libmime/lib/charset.js';

const ESCAPE = 0x1b;
const SHIFT_OUT = 0x0e;
const SHIFT_IN = 0x0f;
const LF = 0x0a;
const DOLLAR = 0x24;
const CLOSE_PARENTHESIS = 0x29;
const TILDE = 0x7e;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** The bytes of a shifted text with their highest bit set are the charset of eight bits; others are US-ASCII. */
interface Shifted {
  /** The charset of eight bits. */
  readonly base: string;
  /** The mark at that place; null when there is none. */
  readonly markAt: (bytes: Buffer, at: number) => Mark | null;
}

interface Mark {
  /** Whether what is behind it is shifted; null where that stays as it is. */
  readonly isShifted: boolean | null;
  readonly length: number;
  /** The byte of the text that it stands for; null for none. */
  readonly text: number | null;
}

/** Charsets of seven bits that switch into one of eight, which the libraries do not know. */
const CHARSETS: ReadonlyMap<string, Shifted> = new Map([
  ['hz-gb-2312', { base: 'gb2312', markAt: hzMark }],
  ['hz', { base: 'gb2312', markAt: hzMark }],
  ['iso-2022-kr', { base: 'euc-kr', markAt: shiftMark }],
  ['iso-2022-cn', { base: 'gb2312', markAt: shiftMark }],
]);

/** Decodes HZ, ISO-2022-KR or ISO-2022-CN in linear time; null when `name` (lower case) is another charset. */
export function decodeShiftedCharset(bytes: Buffer, name: string): string | null {
  const charset = CHARSETS.get(name);
  if (charset === undefined) return null;
  const plain = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  let isShifted = false;
  for (let at = 0; at < bytes.length; ) {
    const mark = charset.markAt(bytes, at);
    if (mark !== null) {
      isShifted = mark.isShifted ?? isShifted;
      if (mark.text !== null) plain[length++] = mark.text;
      at += mark.length;
      continue;
    }
    const byte = bytes[at++] ?? 0;
    plain[length++] = isShifted && byte > 0x20 && byte < 0x7f ? byte | 0x80 : byte;
  }
  return decode(plain.subarray(0, length), charset.base);
}

/** RFC 1843: `~{` and `~}` shift, a tilde at the end of a line joins it with the next one, of two tildes one is text. */
function hzMark(bytes: Buffer, at: number): Mark | null {
  if (bytes[at] !== TILDE) return null;
  const next = bytes[at + 1];
  if (next === OPEN_BRACE) return { isShifted: true, length: 2, text: null };
  if (next === CLOSE_BRACE) return { isShifted: false, length: 2, text: null };
  if (next === LF) return { isShifted: null, length: 2, text: null };
  return next === TILDE ? { isShifted: null, length: 2, text: TILDE } : null;
}

/** RFC 1557 and RFC 1922: SHIFT OUT and SHIFT IN, and the announcement of the charset. */
function shiftMark(bytes: Buffer, at: number): Mark | null {
  const byte = bytes[at];
  if (byte === SHIFT_OUT) return { isShifted: true, length: 1, text: null };
  if (byte === SHIFT_IN) return { isShifted: false, length: 1, text: null };
  const isAnnouncement = byte === ESCAPE && bytes[at + 1] === DOLLAR && bytes[at + 2] === CLOSE_PARENTHESIS;
  return isAnnouncement ? { isShifted: null, length: 4, text: null } : null;
}
