import { hash } from 'node:crypto';
import { type Body, readBody, unreadBody } from './body.ts';
import { buildMessage } from './build-event.ts';
import { digestOfSection } from './digest.ts';
import { readHeaderFields } from './header-fields.ts';
import { type HeaderSection, readHeaderSection, withLineFeeds } from './headers.ts';
import type { ParsedMessage, ParseJob } from './types.ts';

/** A section without fields, for a message of which not even the header may be touched. */
const NO_SECTION: HeaderSection = { fields: [], bodyStart: 0, truncated: false };

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

/** The event of a message whose body could not be read: its header, and why. */
export function parseHeaderOnly(job: ParseJob, parseError: string): ParsedMessage {
  return build(job, readHeaderSection(withLineFeeds(job.bytes)), unreadBody(parseError));
}

/** The event of a message of which nothing could be read: where it lies, its size and hash, and why. */
export function parseNothing(job: ParseJob, parseError: string): ParsedMessage {
  const body = unreadBody(parseError);
  return build(job, NO_SECTION, { ...body, truncated: ['headers', ...body.truncated] });
}

function build(job: ParseJob, section: HeaderSection, body: Body): ParsedMessage {
  const isWhole = job.oversizeBytes === null;
  const sizeBytes = job.oversizeBytes ?? job.bytes.length;
  return buildMessage(job, {
    fields: readHeaderFields(section),
    body: isWhole ? body : { ...body, truncated: [...body.truncated, 'raw'] },
    rawSha256: isWhole ? hash('sha256', job.bytes) : null,
    digest: digestOfSection(section, sizeBytes),
  });
}
