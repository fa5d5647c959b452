import { MAX_FIELD_BYTES, MAX_FIELD_NAME_BYTES, MAX_HEADER_FIELDS, MAX_HEADER_LINES } from './limits.ts';

/** One header field as it stands in the message. */
export interface HeaderField {
  /** As written. */
  readonly name: string;
  /** In lower case. */
  readonly key: string;
  /** The whole field with its name and its folds, without the line's end: a view of the message. */
  readonly line: Buffer;
  /** Behind the colon, with its folds: a view of the message, at most `MAX_FIELD_BYTES`. */
  readonly value: Buffer;
  /** Whether `value` was cut. */
  readonly truncated: boolean;
}

/** The header section of a message. */
export interface HeaderSection {
  readonly fields: readonly HeaderField[];
  /** Offset of the body; the length of the bytes when there is none. */
  readonly bodyStart: number;
  /** Whether fields were left out or cut because a limit of the reader was reached. */
  readonly truncated: boolean;
}

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const COLON = 0x3a;
const DASH = 0x2d;

/** Names of which one opens nearly every header: with one of them, blank lines in front of a header are skipped. */
const OPENING_FIELD =
  /^(?:return-path|received|delivered-to|from|to|subject|date|message-id|mime-version|content-type|dkim-signature|x-.*)$/;

const MBOX_LINE = Buffer.from('From ');
const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Reads the header section (RFC 5322 section 2.2, folds of section 2.2.3) up to the first empty line, in linear time,
 * and never throws. Lines may end in CRLF or LF. A line that is no field (an mbox `From `, garbage) is left out where
 * fields follow; where none does, or a multipart's delimiter, the empty line was forgotten and it begins the body. So does
 * what stands behind a line of white space and is no field. A byte order mark and blank lines in front of a header are skipped. Bytes in which no
 * field can be found are taken for a body without a header.
 *
 * @param bytes A whole message, or only its header section: both give the same fields.
 */
export function readHeaderSection(bytes: Buffer): HeaderSection {
  const start = headerStart(bytes);
  const lines = readLines(bytes, start);
  const fields: HeaderField[] = [];
  let truncated = lines.truncated;
  // Where the lines begin that are no fields and have none behind.
  let strayStart = lines.ranges.length === 0 ? null : start;
  for (const range of lines.ranges) {
    const field = readField(bytes, range.start, range.end);
    if (field === null) {
      // A name that is empty is an error of a field; a delimiter can only stand in a body.
      if (bytes[range.start] === COLON) continue;
      strayStart ??= range.start;
      if (fields.length > 0 && isDelimiter(bytes, range.start)) break;
      continue;
    }
    strayStart = null;
    fields.push(field);
    truncated ||= field.truncated;
  }
  const bodyStart = lines.truncated && fields.length > 0 ? lines.bodyStart : (strayStart ?? lines.bodyStart);
  return { fields, bodyStart, truncated };
}

function isDelimiter(bytes: Buffer, start: number): boolean {
  return bytes[start] === DASH && bytes[start + 1] === DASH;
}

/** Where the header begins: behind a byte order mark, and behind blank lines where it then opens as headers do. */
function headerStart(bytes: Buffer): number {
  const start = bytes.subarray(0, UTF8_MARK.length).equals(UTF8_MARK) ? UTF8_MARK.length : 0;
  let at = start;
  while (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] === LF)) at += bytes[at] === LF ? 1 : 2;
  if (at === start) return start;
  if (bytes.subarray(at, at + MBOX_LINE.length).equals(MBOX_LINE)) return at;
  const field = readField(bytes, at, lineEnd(bytes, at).end);
  return field !== null && OPENING_FIELD.test(field.key) ? at : start;
}

/**
 * A message whose lines end in CR alone, or in CR CR LF (broken gateways make both), with their ends mended; any other as
 * it is. A POP3 server ends the last line of a message with CR LF even when all others end in CR.
 */
export function withLineFeeds(bytes: Buffer): Buffer {
  const first = bytes.indexOf(LF);
  const isLast = first === bytes.length - 1 && bytes[first - 1] === CR;
  const own = isLast ? bytes.subarray(0, first - 1) : bytes;
  if ((first < 0 || isLast) && own.includes(CR)) return withReturnsAsFeeds(own);
  return first >= 2 && bytes[first - 1] === CR && bytes[first - 2] === CR ? withSingleReturns(bytes) : bytes;
}

function withReturnsAsFeeds(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = copy.indexOf(CR); at >= 0; at = copy.indexOf(CR, at + 1)) copy[at] = LF;
  return copy;
}

function withSingleReturns(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; ) {
    const lineFeed = bytes.indexOf(LF, at);
    const end = lineFeed < 0 ? bytes.length : lineFeed;
    let kept = end;
    while (lineFeed >= 0 && kept - 1 > at && bytes[kept - 1] === CR && bytes[kept - 2] === CR) kept -= 1;
    length += bytes.copy(copy, length, at, kept);
    if (lineFeed >= 0) copy[length++] = LF;
    at = end + 1;
  }
  return copy.subarray(0, length);
}

/** The first field of that name (lower case); null when there is none. */
export function firstField(section: HeaderSection, key: string): HeaderField | null {
  return section.fields.find((field) => field.key === key) ?? null;
}

interface Lines {
  /** Logical lines: a line with the lines folded under it, without its end. */
  readonly ranges: readonly { start: number; end: number }[];
  readonly bodyStart: number;
  readonly truncated: boolean;
}

function readLines(bytes: Buffer, start: number): Lines {
  const ranges: { start: number; end: number }[] = [];
  let at = start;
  for (let count = 0; at < bytes.length; count += 1) {
    if (count >= MAX_HEADER_LINES || ranges.length > MAX_HEADER_FIELDS) {
      return { ranges, bodyStart: findBody(bytes, at), truncated: true };
    }
    const { end, next } = lineEnd(bytes, at);
    if (end === at) return { ranges, bodyStart: next, truncated: false };
    const last = ranges.at(-1);
    if (last !== undefined && isWhiteSpace(bytes[at])) {
      if (isBlank(bytes, at, end) && isText(bytes, next))
        return { ranges, bodyStart: next, truncated: false };
      last.end = end;
    } else {
      ranges.push({ start: at, end });
    }
    at = next;
  }
  return { ranges, bodyStart: bytes.length, truncated: false };
}

/** The end of the line that begins there, without what ends it, and the start of the next one. */
function lineEnd(bytes: Buffer, at: number): { end: number; next: number } {
  const lineFeed = bytes.indexOf(LF, at);
  const end = lineFeed < 0 ? bytes.length : lineFeed;
  const next = lineFeed < 0 ? bytes.length : lineFeed + 1;
  return { end: end > at && bytes[end - 1] === CR ? end - 1 : end, next };
}

function isWhiteSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

function isBlank(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (!isWhiteSpace(bytes[at])) return false;
  return true;
}

/** Whether a line begins there that no header can hold: neither field nor fold, nor the end. */
function isText(bytes: Buffer, at: number): boolean {
  const { end } = lineEnd(bytes, at);
  return end > at && !isWhiteSpace(bytes[at]) && readField(bytes, at, end) === null;
}

/** The body behind the first empty line; `at` is the start of a line. */
function findBody(bytes: Buffer, at: number): number {
  const from = Math.max(0, at - 1);
  const bare = bytes.indexOf('\n\n', from, 'latin1');
  const crlf = bytes.indexOf('\n\r\n', from, 'latin1');
  if (bare < 0 && crlf < 0) return bytes.length;
  if (crlf < 0 || (bare >= 0 && bare < crlf)) return bare + 2;
  return crlf + 3;
}

function readField(bytes: Buffer, start: number, end: number): HeaderField | null {
  let colon = start;
  while (colon < end && colon - start <= MAX_FIELD_NAME_BYTES && isFieldNameByte(bytes[colon])) colon += 1;
  const nameEnd = colon;
  // RFC 5322 section 4.5: the obsolete syntax allows white space in front of the colon.
  while (colon < end && (bytes[colon] === SPACE || bytes[colon] === TAB)) colon += 1;
  if (nameEnd === start || nameEnd - start > MAX_FIELD_NAME_BYTES || bytes[colon] !== COLON) return null;
  if (colon >= end) return null;
  const name = bytes.toString('latin1', start, nameEnd);
  const valueEnd = Math.min(end, colon + 1 + MAX_FIELD_BYTES);
  return {
    name,
    key: name.toLowerCase(),
    line: bytes.subarray(start, end),
    value: bytes.subarray(colon + 1, valueEnd),
    truncated: valueEnd < end,
  };
}

/** RFC 5322 section 3.6.8: printable US-ASCII without the colon. */
function isFieldNameByte(byte: number | undefined): boolean {
  return byte !== undefined && byte > SPACE && byte < 0x7f && byte !== COLON;
}
