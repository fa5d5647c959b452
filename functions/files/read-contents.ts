import type { EventId } from '../../shared/identity.ts';
import type { FilesDeps } from './deps.ts';
import { messageOf } from './linked-file.ts';

/** Reads attachments for dispatch; see `AttachmentContents`. Throws when too many wait to be read, and in an outage. */
export async function readContents(
  { store, blobs, cutter, log }: Pick<FilesDeps, 'store' | 'blobs' | 'cutter' | 'log'>,
  eventId: EventId,
  ids: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const event = await store.linked(eventId);
  if (event === null || event.raw === null || ids.length === 0) return {};
  const { attachments } = await messageOf(blobs, event);
  const cut = await cutter.cut({ raw: event.raw, sizeBytes: event.sizeBytes }, ids);
  if (cut.kind === 'busy') throw new Error('Cannot read attachments: too many wait to be read');
  if (cut.kind === 'failed') {
    log.error('files.not-cut', { id: eventId, reason: cut.reason });
    return {};
  }
  try {
    const contents: Record<string, string> = {};
    for (const { id, sha256 } of attachments) {
      const part = cut.parts.get(id);
      if (part?.sha256 === sha256) contents[id] = (await part.read()).toString('base64');
    }
    return contents;
  } finally {
    await cut.dispose();
  }
}
