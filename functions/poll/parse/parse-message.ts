import type { Attachment } from '../../../shared/event.ts';
import type { BeginAttachment } from './attachments.ts';
import { readBody } from './body.ts';
import { type BodyContent, unreadBody } from './body-content.ts';
import { buildMessage, sizeOf } from './build-event.ts';
import { digestOfSection } from './digest.ts';
import { readHeaderFields } from './header-fields.ts';
import { type HeaderSection, readHeaderSection, withLineFeeds } from './headers.ts';
import type { ParsedMessage, ParseJob } from './types.ts';

/**
 * Makes the frozen event of a message. The same job gives the same bytes, at any time and on any machine; nothing in
 * the message makes it throw. A message that keeps the thread busy for long or kills it is the pool's to end.
 *
 * An oversize job becomes an event of its header: text, html, attachments and raw are named in `truncated`, and
 * `parseError` is null, because nothing was unreadable.
 */
export async function parseMessage(job: ParseJob): Promise<ParsedMessage> {
  const bytes = withLineFeeds(job.bytes);
  const section = readHeaderSection(bytes);
  if (job.oversizeBytes !== null) return build(job, section, unreadBody(null));
  return build(job, section, await readBody(section, bytes.subarray(section.bodyStart)));
}

/**
 * Reads a message once more, as `parseMessage` does, for the bytes of its attachments. Answers with the attachments that it
 * found: the same as in the event, as long as this parser is the one that made it.
 */
export async function readAttachments(raw: Buffer, begin: BeginAttachment): Promise<readonly Attachment[]> {
  const bytes = withLineFeeds(raw);
  const section = readHeaderSection(bytes);
  const { attachments } = await readBody(section, bytes.subarray(section.bodyStart), begin);
  return attachments;
}

/** The event of a message whose body could not be read: its header, and why. */
export function parseHeaderOnly(job: ParseJob, parseError: string): ParsedMessage {
  return build(job, readHeaderSection(withLineFeeds(job.bytes)), unreadBody(parseError));
}

function build(job: ParseJob, section: HeaderSection, body: BodyContent): ParsedMessage {
  const digest = digestOfSection(section, sizeOf(job));
  return buildMessage(job, { fields: readHeaderFields(section), body, digest });
}
