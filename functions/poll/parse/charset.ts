import { isUtf8 } from 'node:buffer';
import { createDecodeStream, decode } from 'libmime/lib/charset.js';
import { decodeShiftedCharset } from './shifted-charsets.ts';
import { decodeUtf7 } from './utf7.ts';

/** No charset has a longer name. */
const MAX_LABEL_CHARS = 100;

const UTF8 = /^utf-?8(?:mb4)?$/;
const UTF7 = /^(?:utf-?7|(?:cs)?unicode-?1-1-utf-?7)$/;

/** Labels that say nothing of bytes beyond US-ASCII. */
const VAGUE_LABEL =
  /^(?:|(?:us-?)?ascii|ansi_x3\.4-19(?:68|86)|iso-ir-6|iso_?646(?:\.irv:1991|-us)|us|(?:cp|ibm)367|csascii|[78]-?bits?|binary|unknown(?:-8bit)?|none|default|x-(?:unknown|user-defined))$/;

const ESCAPE = 0x1b;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const JAPANESE = /\x1b(?:\$[@B]|\([IJ])/;

/** A text that was decoded as UTF-8 and has characters beyond US-ASCII in it, besides those that stand for bad bytes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of US-ASCII is meant.
const READ_AS_UTF8 = /[^\x00-\x7f\ufffd]/;

/**
 * Bytes in a charset as mail names it. Without a name that is known they are what they look like: ISO-2022-JP by its
 * escapes, UTF-8 where they are valid as such, else windows-1252, what mailers that say nothing meant most often. So is
 * what says UTF-8 and has not one character of it. Bytes that are invalid otherwise become U+FFFD; a byte order mark goes.
 *
 * @param label The charset's name in any case, in quotes or not; empty when there is none.
 */
export function decodeCharset(bytes: Buffer, label: string): string {
  const name = label
    .slice(0, MAX_LABEL_CHARS)
    .toLowerCase()
    .replace(/["';\s]/g, '');
  if (UTF8.test(name)) return decodeUtf8(bytes);
  if (UTF7.test(name)) return decodeUtf7(bytes);
  if (VAGUE_LABEL.test(name)) return decodeUnlabelled(bytes);
  const shifted = decodeShiftedCharset(bytes, name);
  if (shifted !== null) return shifted;
  return isKnown(name) ? withoutMark(decode(bytes, name)) : decodeUnlabelled(bytes);
}

function decodeUtf8(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd') || READ_AS_UTF8.test(text) || isUtf8(bytes)) return withoutMark(text);
  return decode(bytes, 'windows-1252');
}

function decodeUnlabelled(bytes: Buffer): string {
  if (bytes.includes(ESCAPE) && JAPANESE.test(bytes.toString('latin1'))) return decode(bytes, 'iso-2022-jp');
  return isUtf8(bytes) ? withoutMark(bytes.toString('utf8')) : decode(bytes, 'windows-1252');
}

function withoutMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

/** Answers that were given, since each costs a decoder; mails could name any number of charsets. */
const known = new Map<string, boolean>();
const MAX_KNOWN = 200;

function isKnown(name: string): boolean {
  const answer = known.get(name) ?? createDecodeStream(name).supported;
  if (known.size < MAX_KNOWN) known.set(name, answer);
  return answer;
}
