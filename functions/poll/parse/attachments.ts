import type { Attachment } from '../../../shared/event.ts';
import { MAX_FILENAME_CHARS, MAX_ID_CHARS } from './limits.ts';
import type { PartHeader } from './part-header.ts';
import { cutText, oneLine } from './text.ts';

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
  header: PartHeader,
  content: Pick<Attachment, 'id' | 'size' | 'sha256'>,
): DescribedAttachment {
  const filename = cleanFilename(header.filename ?? '');
  const contentId = oneLine(header.contentId ?? '');
  const attachment: Attachment = {
    id: content.id,
    filename: filename === null ? null : shortFilename(filename),
    contentType: header.type,
    size: content.size,
    sha256: content.sha256,
    disposition: header.disposition,
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
