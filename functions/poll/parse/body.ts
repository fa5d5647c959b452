import type { BeginAttachment } from './attachments.ts';
import { type BodyContent, unreadBody } from './body-content.ts';
import { decodeCharset } from './charset.ts';
import { firstField, type HeaderSection } from './headers.ts';
import { type Leaves, readLeaves } from './leaf-parts.ts';
import { MAX_ERROR_CHARS, MAX_EVENT_BYTES, MAX_PART_HEADER_BYTES, MAX_PARTS } from './limits.ts';
import type { PartText } from './part-text.ts';
import { readPlainBody } from './plain-body.ts';
import { cleanBody } from './text.ts';

/** Fields of the message's own header that say what its body is. */
const CONTENT_FIELDS = ['content-type', 'content-transfer-encoding', 'content-disposition', 'content-id'];

const CRLF = Buffer.from('\r\n');

/** So that all of them stay within what the parser takes for a header; one that is longer counts as missing. */
const MAX_CONTENT_FIELD_BYTES = MAX_PART_HEADER_BYTES / CONTENT_FIELDS.length - 2;

const PART_LOST = 'The boundary of a multipart part does not occur, so that part could not be read';
const BODY_AS_TEXT =
  'The boundary that the Content-Type names does not occur: the body is given as text, as it stands';

/**
 * Reads a message's body. What cannot be read is a `problem`, never an exception; but a message may keep the thread
 * busy or kill it, which only the pool around it can end.
 *
 * The parser gets the fields that describe the content and none of the others, which our own reader reads: their
 * number and size can then neither slow it down nor make it refuse the message.
 */
export async function readBody(
  section: HeaderSection,
  body: Buffer,
  begin?: BeginAttachment,
): Promise<BodyContent> {
  const plain = readPlainBody(section, body);
  if (plain !== null) return bodyOf({ texts: [plain], attachments: [], hasBrokenMultipart: false }, body);
  // Whatever comes out of the parser is the message's doing until the contrary is known: it must not stop a poll.
  const leaves = await readLeaves(contentHeader(section), body, begin).catch(problemOf);
  return typeof leaves === 'string' ? unreadBody(leaves) : bodyOf(leaves, body);
}

function bodyOf(leaves: Leaves, body: Buffer): BodyContent {
  const attachments = leaves.attachments.map(({ attachment }) => attachment);
  const text = joined(leaves.texts, false);
  const html = joined(leaves.texts, true);
  const truncated: string[] = leaves.texts
    .filter((one) => one.truncated)
    .map((one) => (one.isHtml ? 'html' : 'text'));
  if (leaves.attachments.some((one) => one.truncated)) truncated.push('attachments');
  const found = { text, html, attachments, truncated };
  if (!leaves.hasBrokenMultipart) return { ...found, problem: null };
  if (text !== null || html !== null || attachments.length > 0) return { ...found, problem: PART_LOST };
  const whole = bodyAsText(body);
  return whole === null ? { ...found, problem: null } : { ...found, text: whole, problem: BODY_AS_TEXT };
}

function joined(texts: readonly PartText[], isHtml: boolean): string | null {
  const parts = texts.filter((one) => one.isHtml === isHtml && one.text !== '').map((one) => one.text);
  return parts.length === 0 ? null : parts.join('\n');
}

function contentHeader(section: HeaderSection): Buffer {
  const parts: Buffer[] = [];
  for (const key of CONTENT_FIELDS) {
    const field = firstField(section, key);
    if (field !== null && field.line.length <= MAX_CONTENT_FIELD_BYTES) parts.push(field.line, CRLF);
  }
  parts.push(CRLF);
  return Buffer.concat(parts);
}

/** The body's bytes as they stand; null when it is blank. */
function bodyAsText(body: Buffer): string | null {
  // What is beyond one event is cut by the event's builder, which then says so; one byte more makes it do that.
  const text = decodeCharset(body.subarray(0, MAX_EVENT_BYTES + 1), '');
  return /\S/.test(text) ? cleanBody(text) : null;
}

function problemOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'EMAXLEN') {
    return `The message has more than ${MAX_PARTS} parts, or a part's header is larger than ${MAX_PART_HEADER_BYTES} bytes`;
  }
  const message = error instanceof Error ? error.message : String(error);
  return `The message could not be parsed: ${message.split('\n', 1)[0]?.slice(0, MAX_ERROR_CHARS)}`;
}
