import type { BeginAttachment } from './attachments.ts';
import { type BodyContent, unreadBody } from './body-content.ts';
import type { HeaderSection } from './headers.ts';
import { htmlToText } from './html-text.ts';
import { type Leaves, readLeaves } from './leaf-parts.ts';
import { MAX_ERROR_CHARS, MAX_PART_HEADER_BYTES, MAX_PARTS } from './limits.ts';
import { readPartHeader } from './part-header.ts';
import type { PartText } from './part-text.ts';
import { readPlainBody } from './plain-body.ts';
import { cleanBody } from './text.ts';

const OTHER_BOUNDARY =
  'The boundary that a Content-Type names does not occur: the parts were found by another one that does';
const NO_BOUNDARY =
  'The boundary that a Content-Type names does not occur: the content is given as text, as it stands';
const OVERFULL = `The message has more than ${MAX_PARTS} parts: what is behind is missing`;
const LARGE_HEADER = `The body could not be read: a part's header is larger than ${MAX_PART_HEADER_BYTES} bytes`;

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
  if (plain !== null) return bodyOf({ texts: [plain], attachments: [], rescued: [], isOverfull: false });
  // Whatever comes out of the parser is the message's doing until the contrary is known: it must not stop a poll.
  const leaves = await readLeaves(readPartHeader(section, 'text/plain'), body, begin).catch(problemOf);
  return typeof leaves === 'string' ? unreadBody(leaves) : bodyOf(leaves);
}

function bodyOf(leaves: Leaves): BodyContent {
  const attachments = leaves.attachments.map(({ attachment }) => attachment);
  const own = joined(leaves.texts, false);
  const html = joined(leaves.texts, true);
  const isTextDerived = html !== null && (own === null || own.trim() === '');
  const text = isTextDerived ? cleanBody(htmlToText(html)) || null : own;
  const truncated: string[] = leaves.texts
    .filter((one) => one.truncated)
    .map((one) => (one.isHtml ? 'html' : 'text'));
  if (leaves.attachments.some((one) => one.truncated)) truncated.push('attachments');
  if (leaves.isOverfull) truncated.push('text', 'html', 'attachments');
  if (isTextDerived && truncated.includes('html')) truncated.push('text');
  return {
    text,
    isTextDerived,
    html,
    attachments,
    truncated: [...new Set(truncated)],
    problem: problemWith(leaves),
  };
}

function problemWith({ isOverfull, rescued }: Leaves): string | null {
  if (isOverfull) return OVERFULL;
  if (rescued.includes('as text')) return NO_BOUNDARY;
  return rescued.length > 0 ? OTHER_BOUNDARY : null;
}

function joined(texts: readonly PartText[], isHtml: boolean): string | null {
  const parts = texts.filter((one) => one.isHtml === isHtml && one.text !== '').map((one) => one.text);
  return parts.length === 0 ? null : parts.join('\n');
}

function problemOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'EMAXLEN') return LARGE_HEADER;
  const message = error instanceof Error ? error.message : String(error);
  return `The message could not be parsed: ${message.split('\n', 1)[0]?.slice(0, MAX_ERROR_CHARS)}`;
}
