import type { Attachment, Envelope, MessageData } from '../../shared/event.ts';
import { isToken, linksExpireAt, parseLinkPath } from '../../shared/file-link.ts';
import type { DownloadAs } from '../../shared/ports/blobs.ts';
import type { LinkedEvent } from '../../shared/ports/store.ts';
import { attachmentDisposition } from './content-disposition.ts';
import type { CutSource } from './cutter.ts';
import type { FilesDeps } from './deps.ts';

/** A file that a request may have. */
export interface LinkedContent extends DownloadAs {
  readonly event: LinkedEvent;
  readonly source: CutSource;
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Of the attachment; null for the raw message. */
  readonly attachment: string | null;
}

/**
 * The file behind the path of a link. Null for whatever reason: the path is none, there is no such message, attachment or
 * token any more or never was, or the link has expired. Nobody is to learn which.
 */
export async function findLinkedFile(
  { store, blobs, clock, linkDays }: Pick<FilesDeps, 'store' | 'blobs' | 'clock' | 'linkDays'>,
  path: string,
): Promise<LinkedContent | null> {
  const link = parseLinkPath(path);
  if (link === null) return null;
  const event = await store.linked(link.eventId);
  if (!isToken(link.token, event?.linkToken ?? null) || event === null || event.raw === null) return null;
  if (linksExpireAt(event.committedAt, linkDays) <= clock.now()) return null;
  const { attachments, raw } = await messageOf(blobs, event);
  const source = { raw: event.raw, sizeBytes: event.sizeBytes };
  if (link.file.kind === 'raw') return { ...rawFile(event, raw.sha256 ?? ''), event, source };
  const { id } = link.file;
  const attachment = attachments.find((one) => one.id === id);
  return attachment === undefined ? null : { ...attachmentFile(attachment), event, source };
}

/** What the frozen event says of the message. */
export async function messageOf(
  blobs: FilesDeps['blobs'],
  { body }: Pick<LinkedEvent, 'body'>,
): Promise<MessageData> {
  const bytes = await blobs.read(body);
  // Written by the parser of this project, with this type.
  const event = JSON.parse(Buffer.from(bytes).toString('utf8')) as Envelope<MessageData>;
  return event.data;
}

type File = Omit<LinkedContent, 'event' | 'source'>;

function rawFile({ id, sizeBytes }: LinkedEvent, sha256: string): File {
  return {
    contentType: 'message/rfc822',
    disposition: attachmentDisposition(`${id}.eml`),
    size: sizeBytes,
    sha256,
    attachment: null,
  };
}

function attachmentFile({ id, filename, contentType, size, sha256 }: Attachment): File {
  const extension = contentType === 'message/rfc822' ? '.eml' : '';
  const name = filename ?? `attachment-${id}${extension}`;
  return { contentType, disposition: attachmentDisposition(name), size, sha256, attachment: id };
}
