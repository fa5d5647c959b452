import { isUtf8 } from 'node:buffer';
import libmime from 'libmime';
import { createDecodeStream, decode } from 'libmime/lib/charset.js';
import type { AttachmentStream, StructuredHeader } from 'mailparser';
import { contentTypeOf } from './attachments.ts';
import { MAX_EVENT_BYTES } from './limits.ts';
import { cleanBody, cutText } from './text.ts';

/** The text of one part. */
export interface PartText {
  readonly isHtml: boolean;
  /** Unicode, with LF at the ends of lines. */
  readonly text: string;
  /** Whether its end is missing. */
  readonly truncated: boolean;
}

/** Labels that say nothing of bytes beyond US-ASCII. */
const VAGUE_LABEL = /^(?:|(?:us-?)?ascii|7bit|8bit|binary|unknown(?:-8bit)?|none|default|x-unknown)$/;

/**
 * Decodes a part that is text.
 *
 * @param bytes Its transfer encoding undone.
 * @param isWhole False when bytes are missing at the end.
 */
export function readPartText(item: AttachmentStream, bytes: Buffer, isWhole: boolean): PartText {
  const params = contentTypeOf(item)?.params ?? {};
  const whole = cleanBody(decodeCharset(bytes, params.charset ?? '').replace(/\r\n/g, '\n'));
  // Cut before it is unwrapped, which takes much memory; more than this no event can hold.
  const cut = cutText(whole, MAX_EVENT_BYTES);
  return {
    isHtml: item.contentType === 'text/html',
    text: isFlowed(item, params)
      ? libmime.decodeFlowed(cut, params.delsp?.trim().toLowerCase() === 'yes')
      : cut,
    truncated: !isWhole || cut.length < whole.length,
  };
}

/**
 * Bytes in a charset as mail names it. Without a name that is known they are UTF-8 where they are valid as such, else
 * windows-1252, what mailers that say nothing meant most often. Invalid bytes become U+FFFD.
 */
export function decodeCharset(bytes: Buffer, label: string): string {
  const name = label.trim().toLowerCase();
  if (name === 'utf-8' || name === 'utf8') return bytes.toString('utf8');
  if (!VAGUE_LABEL.test(name) && createDecodeStream(name).supported) return decode(bytes, name);
  return isUtf8(bytes) ? bytes.toString('utf8') : decode(bytes, 'windows-1252');
}

/** RFC 3676: format=flowed is for text/plain alone. */
function isFlowed(item: AttachmentStream, params: StructuredHeader['params']): boolean {
  return item.contentType === 'text/plain' && params.format?.trim().toLowerCase() === 'flowed';
}
