import { hash } from 'node:crypto';
import type { Attachment, Envelope, MessageData } from '../../../shared/event.ts';
import { attachmentHref, rawHref } from '../../../shared/file-link.ts';
import type { BodyContent } from './body-content.ts';
import { cutToJsonBytes, jsonBytes, takeWithin } from './bounds.ts';
import { formatAddress } from './format-address.ts';
import type { HeaderFields } from './header-fields.ts';
import {
  MAX_ATTACHMENTS,
  MAX_EVENT_BYTES,
  MAX_FLAG_CHARS,
  MAX_FLAGS,
  MIN_DERIVED_TEXT_BYTES,
} from './limits.ts';
import { cutText, oneLine } from './text.ts';
import type { ParsedMessage, ParseJob } from './types.ts';

/** What was read of a message. */
interface MessageParts {
  readonly fields: HeaderFields;
  readonly body: BodyContent;
  readonly digest: string;
}

/**
 * Builds the frozen event: the same job and parts give the same bytes. At most `MAX_EVENT_BYTES`, by measurement: html
 * is cut first, then text; the other fields are bounded each. The event's bytes have an ArrayBuffer of their own.
 */
export function buildMessage(job: ParseJob, parts: MessageParts): ParsedMessage {
  const cuts = new Set<string>([...parts.fields.truncated, ...parts.body.truncated]);
  if (job.oversizeBytes !== null) cuts.add('raw');
  const data = messageData(job, parts, cuts);
  return {
    event: encode(job, data, cuts, parts.body.isTextDerived),
    messageId: data.messageId,
    from: data.from === null ? null : formatAddress(data.from),
    subject: data.subject,
    digest: parts.digest,
    parseError: data.parseError,
  };
}

function messageData(job: ParseJob, { fields, body }: MessageParts, cuts: Set<string>): MessageData {
  const attachments = takeWithin(body.attachments, MAX_ATTACHMENTS, attachmentChars);
  if (attachments.length < body.attachments.length) cuts.add('attachments');
  return {
    id: job.id,
    account: { id: job.account.id, name: job.account.name },
    source: job.source,
    backfill: job.backfill,
    receivedAt: job.receivedAt,
    date: fields.date,
    messageId: fields.messageId,
    inReplyTo: fields.inReplyTo,
    references: fields.references,
    from: fields.from,
    authors: fields.authors,
    sender: fields.sender,
    replyTo: fields.replyTo,
    to: fields.to,
    cc: fields.cc,
    bcc: fields.bcc,
    subject: fields.subject,
    text: body.text,
    html: body.html,
    headers: fields.headers,
    flags: labelList(job.flags, 'flags', cuts),
    labels: labelList(job.labels, 'labels', cuts),
    size: sizeOf(job),
    attachments: withLinks(job, attachments),
    list: fields.list,
    autoSubmitted: fields.autoSubmitted,
    raw: rawOf(job),
    truncated: [],
    parseError: body.problem,
  };
}

/** Links are added after the list was cut to its limit, which is of what the mail says: their own length is ours. */
function withLinks({ linkBase }: ParseJob, attachments: readonly Attachment[]): readonly Attachment[] {
  if (linkBase === null) return attachments;
  return attachments.map((one) => ({ ...one, href: attachmentHref(linkBase, one.id) }));
}

/** There is nothing behind a link to a message of which only the header was fetched. */
function rawOf({ bytes, oversizeBytes, linkBase }: ParseJob): MessageData['raw'] {
  if (oversizeBytes !== null) return { href: null, sha256: null };
  return { href: linkBase === null ? null : rawHref(linkBase), sha256: hash('sha256', bytes) };
}

function attachmentChars({ filename, contentType, contentId }: Attachment): number {
  return (filename?.length ?? 0) + contentType.length + (contentId?.length ?? 0);
}

/** The message's size on the server: the bytes fetched, or what the server states of more than were. */
export function sizeOf(job: ParseJob): number {
  return job.oversizeBytes ?? job.bytes.length;
}

function labelList(labels: readonly string[], name: string, cuts: Set<string>): readonly string[] {
  if (labels.length === 0) return labels;
  const lines = labels.map(oneLine);
  if (lines.some((line) => line.length > MAX_FLAG_CHARS)) cuts.add(name);
  const clean = lines.map((line) => cutText(line, MAX_FLAG_CHARS));
  const kept = takeWithin(clean, MAX_FLAGS, (label) => label.length);
  if (kept.length < clean.length) cuts.add(name);
  return kept;
}

function encode(job: ParseJob, data: MessageData, cuts: Set<string>, isTextDerived: boolean): Buffer {
  const whole = ownBytes(envelopeOf(job, { ...data, truncated: [...cuts] }));
  return whole.length <= MAX_EVENT_BYTES
    ? whole
    : ownBytes(envelopeOf(job, fitted(job, data, cuts, isTextDerived)));
}

/**
 * The data with html, and if need be text, cut so that the event has at most `MAX_EVENT_BYTES`. A text that was made from
 * the html is cut first, to what the html leaves, yet never below `MIN_DERIVED_TEXT_BYTES`.
 */
function fitted(
  job: ParseJob,
  data: MessageData,
  cuts: ReadonlySet<string>,
  isTextDerived: boolean,
): MessageData {
  // Measured with both names in `truncated` and two nulls in place of the texts: what is left is theirs.
  const both = { ...data, text: null, html: null, truncated: [...cuts, 'html', 'text'] };
  const room = MAX_EVENT_BYTES - Buffer.byteLength(envelopeOf(job, both));
  const htmlBytes = data.html === null ? 0 : jsonBytes(data.html);
  const textRoom = isTextDerived ? Math.min(room, Math.max(room - htmlBytes, MIN_DERIVED_TEXT_BYTES)) : room;
  const text = data.text === null ? null : cutToJsonBytes(data.text, textRoom);
  const textBytes = text === null ? 0 : jsonBytes(text);
  const html = data.html === null ? null : cutToJsonBytes(data.html, room - textBytes);
  const truncated = new Set(cuts);
  if (html !== data.html) truncated.add('html');
  if (text !== data.text) truncated.add('text');
  return { ...data, html, text, truncated: [...truncated] };
}

/** RFC 8259 JSON, minified, in the order in which the fields are documented. */
function envelopeOf(job: ParseJob, data: MessageData): string {
  const envelope: Envelope<MessageData> = { type: 'message.received', timestamp: job.receivedAt, data };
  return JSON.stringify(envelope);
}

const encoder = new TextEncoder();

/** Small Buffers share one ArrayBuffer, which could then not be handed to another thread. */
function ownBytes(json: string): Buffer {
  const bytes = encoder.encode(json);
  return bytes.length === bytes.buffer.byteLength
    ? Buffer.from(bytes.buffer)
    : Buffer.from(bytes.slice().buffer);
}
