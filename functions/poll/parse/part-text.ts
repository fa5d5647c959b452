import { isUtf8 } from 'node:buffer';
import libmime from 'libmime';
import { createDecodeStream, decode } from 'libmime/lib/charset.js';
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

/** What the header of a part says of its text. */
export interface TextType {
  readonly type: string;
  /** Parameters of its Content-Type. */
  readonly charset?: string | undefined;
  readonly format?: string | undefined;
  readonly delsp?: string | undefined;
}

/**
 * Decodes a part that is text.
 *
 * @param bytes Its transfer encoding undone.
 * @param isWhole False when bytes are missing at the end.
 */
export function readPartText(what: TextType, bytes: Buffer, isWhole: boolean): PartText {
  const whole = cleanBody(decodeCharset(bytes, what.charset ?? '').replace(/\r\n/g, '\n'));
  // Cut before it is unwrapped, which takes much memory; more than this no event can hold.
  const cut = cutText(whole, MAX_EVENT_BYTES);
  return {
    isHtml: what.type === 'text/html',
    text: isFlowed(what) ? libmime.decodeFlowed(cut, what.delsp?.trim().toLowerCase() === 'yes') : cut,
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
  if (!VAGUE_LABEL.test(name) && isKnown(name)) return decode(bytes, name);
  return isUtf8(bytes) ? bytes.toString('utf8') : decode(bytes, 'windows-1252');
}

/** Answers that were given, since each costs a decoder; mails could name any number of charsets. */
const known = new Map<string, boolean>();
const MAX_KNOWN = 200;

function isKnown(name: string): boolean {
  const answer = known.get(name) ?? createDecodeStream(name).supported;
  if (known.size < MAX_KNOWN) known.set(name, answer);
  return answer;
}

/** RFC 3676: format=flowed is for text/plain alone. */
function isFlowed({ type, format }: TextType): boolean {
  return type === 'text/plain' && format?.trim().toLowerCase() === 'flowed';
}
