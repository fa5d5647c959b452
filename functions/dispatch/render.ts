/**
 * The reduced form of a frozen event, for a receiver that found it too large (413): without `text` and `html`, attachments
 * as metadata, and `truncated` naming what is missing. Null when there is nothing to leave out.
 */
export function reducedBody(event: Uint8Array): Buffer | null {
  const envelope: unknown = JSON.parse(Buffer.from(event).toString('utf8'));
  if (!isObject(envelope) || !isObject(envelope.data)) return null;
  const { data } = envelope;
  const left: string[] = ['text', 'html'].filter((name) => typeof data[name] === 'string');
  const attachments = items(data.attachments);
  const metadata = attachments.map(withoutContent);
  if (attachments.some((attachment) => isObject(attachment) && 'content' in attachment)) {
    left.push('attachments');
  }
  if (left.length === 0) return null;
  const truncated = [...new Set([...items(data.truncated), ...left])];
  const reduced = { ...data, text: null, html: null, attachments: metadata, truncated };
  return Buffer.from(JSON.stringify({ ...envelope, data: reduced }));
}

function withoutContent(attachment: unknown): unknown {
  if (!isObject(attachment)) return attachment;
  const { content: _, ...metadata } = attachment;
  return metadata;
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
