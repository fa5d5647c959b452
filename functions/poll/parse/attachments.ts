import type { AttachmentStream, StructuredHeader } from 'mailparser';
import type { Attachment } from '../../../shared/event.ts';
import { MAX_FILENAME_CHARS, MAX_ID_CHARS } from './limits.ts';
import { cutText, oneLine } from './text.ts';

/** RFC 2045 section 5.1: type and subtype are tokens. */
const MEDIA_TYPE = /^[a-z0-9!#$%&'*+.^_`{|}~-]{1,100}\/[a-z0-9!#$%&'*+.^_`{|}~-]{1,100}$/;

/** Directions and marks that are not seen but turn the shown order of a name around (`exe.fdp` for `pdf.exe`). */
const INVISIBLE = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** Takes the next decoded bytes of an attachment: those that its size and its hash are of. */
export type TakeBytes = (bytes: Buffer) => void;

/**
 * Is told of each attachment before its first byte, by its final id, and says what is to be done with its bytes; null when
 * they are not wanted. A second beginning of the same id makes the first one void.
 */
export type BeginAttachment = (id: string) => TakeBytes | null;

/** An attachment, and whether its name or Content-ID had to be cut. */
export interface DescribedAttachment {
  readonly attachment: Attachment;
  readonly truncated: boolean;
}

/** Describes an attachment whose content was read. */
export function describeAttachment(
  item: AttachmentStream,
  content: Pick<Attachment, 'id' | 'size' | 'sha256'>,
): DescribedAttachment {
  const filename = cleanFilename(item.filename ?? '');
  const contentId = oneLine(item.cid ?? '');
  const attachment: Attachment = {
    id: content.id,
    filename: filename === null ? null : shortFilename(filename),
    contentType: typeOf(item),
    size: content.size,
    sha256: content.sha256,
    disposition: dispositionOf(item.contentDisposition),
    contentId: cutText(contentId, MAX_ID_CHARS) || null,
    href: null,
    content: null,
  };
  const truncated = attachment.filename !== filename || contentId.length > MAX_ID_CHARS;
  return { attachment, truncated };
}

/** A file name that can be used as one: without folders, control characters and invisible ones; null when nothing is left. */
function cleanFilename(name: string): string | null {
  const last = oneLine(name.replace(INVISIBLE, '')).split(/[/\\]/).at(-1)?.trim() ?? '';
  return last === '' || last === '.' || last === '..' ? null : last;
}

/** At most `MAX_FILENAME_CHARS`, with the extension kept. */
function shortFilename(name: string): string {
  if (name.length <= MAX_FILENAME_CHARS) return name;
  const extension = /\.[^.\s]{1,20}$/.exec(name)?.[0] ?? '';
  return cutText(name, MAX_FILENAME_CHARS - extension.length) + extension;
}

/** The Content-Type that a part declares, decoded; null when it declares none. */
export function contentTypeOf(item: AttachmentStream): StructuredHeader | null {
  const header = item.headers.get('content-type');
  const isStructured = typeof header === 'object' && 'params' in header && typeof header.value === 'string';
  return isStructured ? (header as StructuredHeader) : null;
}

/**
 * The type that a part declares, which mailparser replaces by the file's name where it is application/octet-stream; else
 * what mailparser takes it for. What is no type (RFC 2045 section 5.2) counts as application/octet-stream.
 */
function typeOf(item: AttachmentStream): string {
  const type = (contentTypeOf(item)?.value ?? item.contentType).trim().toLowerCase();
  return MEDIA_TYPE.test(type) ? type : 'application/octet-stream';
}

/** RFC 2183 section 2.8: an unknown disposition means attachment. */
function dispositionOf(value: string | undefined): Attachment['disposition'] {
  if (value === undefined) return null;
  return value === 'inline' ? 'inline' : 'attachment';
}
