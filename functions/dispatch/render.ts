import type { AttachmentContents } from '../../shared/ports/attachment-contents.ts';
import type { Attachments } from '../../shared/webhook.ts';

/** The body of a webhook request, whatever is put into it. */
const MAX_BODY_BYTES = 1024 * 1024;

type Json = Record<string, unknown>;

interface ReadEvent {
  readonly envelope: Json;
  readonly data: Json;
  readonly attachments: readonly unknown[];
}

/**
 * A frozen event as a webhook wants it; null when that is the event itself. With `inline` each attachment that still fits
 * into 1 MiB gets its `content`, in their order; where one does not, or cannot be read, `truncated` says so, and its link
 * stays. With `none` no link to the bytes of the message is left.
 *
 * @param contents Reads the attachments of the event.
 */
export async function renderedBody(
  event: Uint8Array,
  form: Attachments,
  contents: (ids: readonly string[]) => ReturnType<AttachmentContents>,
): Promise<Buffer | null> {
  if (form === 'link') return null;
  const read = readEvent(event);
  // Only a message has attachments.
  if (read === null || !Array.isArray(read.data.attachments)) return null;
  return form === 'none' ? withoutLinks(read) : await withContents(read, event.byteLength, contents);
}

/**
 * The reduced form of a frozen event, for a receiver that found it too large (413): without `text` and `html`, attachments
 * as metadata, and `truncated` naming what is missing. Null when there is nothing to leave out.
 */
export function reducedBody(event: Uint8Array): Buffer | null {
  const read = readEvent(event);
  if (read === null) return null;
  const { data, attachments } = read;
  const left = ['text', 'html'].filter((name) => typeof data[name] === 'string');
  if (attachments.some((one) => isObject(one) && typeof one.content === 'string')) left.push('attachments');
  if (left.length === 0) return null;
  const metadata = changed(attachments, () => ({ content: null }));
  return encode(read, { text: null, html: null, attachments: metadata, truncated: truncatedBy(data, left) });
}

function withoutLinks(read: ReadEvent): Buffer {
  const raw = isObject(read.data.raw) ? { ...read.data.raw, href: null } : read.data.raw;
  return encode(read, { attachments: changed(read.attachments, () => ({ href: null })), raw });
}

async function withContents(
  read: ReadEvent,
  eventBytes: number,
  contents: (ids: readonly string[]) => ReturnType<AttachmentContents>,
): Promise<Buffer | null> {
  const all = read.attachments.flatMap(sizedOf);
  if (all.length === 0) return null;
  const room = MAX_BODY_BYTES - eventBytes - JSON.stringify(['attachments']).length;
  const wanted = fitting(all, room);
  const found = wanted.length === 0 ? {} : await contents(wanted);
  const attachments = changed(read.attachments, ({ id }) => ({ content: found[String(id)] ?? null }));
  const isWhole = all.every(({ id }) => found[id] !== undefined);
  const truncated = isWhole ? read.data.truncated : truncatedBy(read.data, ['attachments']);
  return encode(read, { attachments, truncated });
}

interface Sized {
  readonly id: string;
  readonly size: number;
}

function sizedOf(attachment: unknown): Sized[] {
  if (!isObject(attachment)) return [];
  const { id, size } = attachment;
  return typeof id === 'string' && typeof size === 'number' ? [{ id, size }] : [];
}

/** The ids of those that fit, in their order; a large one does not keep out a small one behind it. */
function fitting(attachments: readonly Sized[], room: number): string[] {
  let left = room;
  return attachments.flatMap(({ id, size }) => {
    // Two quotes and the base64, in place of `null`.
    const bytes = 4 * Math.ceil(size / 3) + 2 - 4;
    if (bytes > left) return [];
    left -= bytes;
    return [id];
  });
}

function readEvent(event: Uint8Array): ReadEvent | null {
  const envelope: unknown = JSON.parse(Buffer.from(event).toString('utf8'));
  if (!isObject(envelope) || !isObject(envelope.data)) return null;
  const { data } = envelope;
  return { envelope, data, attachments: Array.isArray(data.attachments) ? data.attachments : [] };
}

function changed(attachments: readonly unknown[], change: (attachment: Json) => Json): readonly unknown[] {
  return attachments.map((one) => (isObject(one) ? { ...one, ...change(one) } : one));
}

function truncatedBy(data: Json, names: readonly string[]): readonly unknown[] {
  return [...new Set([...(Array.isArray(data.truncated) ? data.truncated : []), ...names])];
}

function encode({ envelope, data }: ReadEvent, change: Json): Buffer {
  return Buffer.from(JSON.stringify({ ...envelope, data: { ...data, ...change } }));
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
