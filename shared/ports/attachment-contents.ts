import type { EventId } from '../identity.ts';

/**
 * Reads attachments of a kept message, by their ids: base64 (RFC 4648 section 4) of the bytes that the event describes.
 * Those that cannot be had any more are left out. Throws in an outage.
 */
export type AttachmentContents = (
  eventId: EventId,
  ids: readonly string[],
) => Promise<Readonly<Record<string, string>>>;
