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

/**
 * Reads the header section (RFC 5322 section 2.2, folds of section 2.2.3) up to the first empty line, in linear time,
 * and never throws. Lines may end in CRLF or LF; a line that is no field (an mbox `From `, garbage) is left out. Bytes
 * in which no field can be found are taken for a body without a header.
 *
 * @param bytes A whole message, or only its header section: both give the same fields.
 */
export function readHeaderSection(bytes: Buffer): HeaderSection {
  const lines = readLines(bytes);
  const fields: HeaderField[] = [];
  let truncated = lines.truncated;
  for (const { start, end } of lines.ranges) {
    const field = readField(bytes, start, end);
    if (field === null) continue;
    fields.push(field);
    truncated ||= field.truncated;
  }
  return { fields, bodyStart: fields.length === 0 ? 0 : lines.bodyStart, truncated };
}

/** A message whose lines end in CR alone (broken gateways make such), with LF instead; any other as it is. */
export function withLineFeeds(bytes: Buffer): Buffer {
  if (bytes.includes(LF) || !bytes.includes(CR)) return bytes;
  const copy = Buffer.from(bytes);
  for (let at = copy.indexOf(CR); at >= 0; at = copy.indexOf(CR, at + 1)) copy[at] = LF;
  return copy;
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

function readLines(bytes: Buffer): Lines {
  const ranges: { start: number; end: number }[] = [];
  let at = 0;
  for (let count = 0; at < bytes.length; count += 1) {
    if (count >= MAX_HEADER_LINES || ranges.length > MAX_HEADER_FIELDS) {
      return { ranges, bodyStart: findBody(bytes, at), truncated: true };
    }
    const lineFeed = bytes.indexOf(LF, at);
    const next = lineFeed < 0 ? bytes.length : lineFeed + 1;
    let end = lineFeed < 0 ? bytes.length : lineFeed;
    if (end > at && bytes[end - 1] === CR) end -= 1;
    if (end === at) return { ranges, bodyStart: next, truncated: false };
    const last = ranges.at(-1);
    if (last !== undefined && (bytes[at] === SPACE || bytes[at] === TAB)) last.end = end;
    else ranges.push({ start: at, end });
    at = next;
  }
  return { ranges, bodyStart: bytes.length, truncated: false };
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
