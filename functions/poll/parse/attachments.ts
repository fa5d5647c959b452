import type { AttachmentStream } from 'mailparser';
import type { Attachment } from '../../../shared/event.ts';
import { MAX_FILENAME_CHARS, MAX_ID_CHARS } from './limits.ts';
import { cutText, oneLine } from './text.ts';

/** RFC 2045 section 5.1: type and subtype are tokens. */
const MEDIA_TYPE = /^[a-z0-9!#$%&'*+.^_`{|}~-]{1,100}\/[a-z0-9!#$%&'*+.^_`{|}~-]{1,100}$/;

/** SHA-256 of nothing: what an attachment whose stream never opened holds. */
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Directions and marks that are not seen but turn the shown order of a name around (`exe.fdp` for `pdf.exe`). */
const INVISIBLE = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** Describes an attachment whose content was read to the end. */
export function readAttachment(item: AttachmentStream, id: string): Attachment {
  return {
    id,
    filename: cleanFilename(item.filename ?? ''),
    contentType: declaredType(item) ?? item.contentType,
    size: item.size ?? 0,
    sha256: item.checksum ?? EMPTY_SHA256,
    disposition: dispositionOf(item.contentDisposition),
    contentId: cutText(oneLine(item.cid ?? ''), MAX_ID_CHARS) || null,
    href: null,
  };
}

/**
 * A file name that can be used as one: without folders, control characters and invisible ones, at most
 * `MAX_FILENAME_CHARS` long with its extension kept. Null when nothing is left of it.
 */
export function cleanFilename(name: string): string | null {
  const last = oneLine(name.replace(INVISIBLE, '')).split(/[/\\]/).at(-1)?.trim() ?? '';
  if (last === '' || last === '.' || last === '..') return null;
  if (last.length <= MAX_FILENAME_CHARS) return last;
  const extension = /\.[^.\s]{1,20}$/.exec(last)?.[0] ?? '';
  return cutText(last, MAX_FILENAME_CHARS - extension.length) + extension;
}

/** The type that the part declares; mailparser puts another one in place of application/octet-stream by the file's name. */
function declaredType(item: AttachmentStream): string | null {
  const header = item.headers.get('content-type');
  const value =
    typeof header === 'object' && 'value' in header && typeof header.value === 'string' ? header.value : '';
  const type = value.trim().toLowerCase();
  return MEDIA_TYPE.test(type) ? type : null;
}

/** RFC 2183 section 2.8: an unknown disposition means attachment. */
function dispositionOf(value: string | undefined): Attachment['disposition'] {
  if (value === undefined) return null;
  return value === 'inline' ? 'inline' : 'attachment';
}
