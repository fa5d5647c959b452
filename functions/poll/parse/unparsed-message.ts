import { unreadBody } from './body-content.ts';
import { buildMessage, sizeOf } from './build-event.ts';
import { messageDigest } from './digest.ts';
import type { HeaderFields } from './header-fields.ts';
import type { ParsedMessage, ParseJob } from './types.ts';

const NO_FIELDS: HeaderFields = {
  date: null,
  messageId: null,
  inReplyTo: null,
  references: [],
  from: null,
  authors: [],
  sender: null,
  replyTo: [],
  to: [],
  cc: [],
  bcc: [],
  subject: null,
  headers: [],
  list: null,
  autoSubmitted: null,
  truncated: ['headers'],
};

/**
 * The event of a message of which nothing could be read: where it lies, its size and hash, and why. Looks at none of its
 * bytes but to hash them, and needs no parser: the thread that asks for it loads none.
 */
export function unparsedMessage(job: ParseJob, parseError: string): ParsedMessage {
  const noParts = { messageId: null, date: null, from: null, subject: null };
  const digest = messageDigest({ ...noParts, sizeBytes: sizeOf(job) });
  return buildMessage(job, { fields: NO_FIELDS, body: unreadBody(parseError), digest });
}
