import { isUtf8 } from 'node:buffer';
import libmime from 'libmime';
import { decode } from 'libmime/lib/charset.js';
import type { HeaderField } from './headers.ts';
import { oneLine } from './text.ts';

const EIGHT_BIT = /[\x80-\xff]/;
const ENCODED_WORD_Q = /=\?[^?\s]{1,100}\?[Qq]\?[^?]*\?=/g;

/**
 * A field's value as one line of Unicode, unfolded, with its encoded words left as they are. Bytes beyond US-ASCII are
 * UTF-8 (RFC 6532) where they are valid as such, else windows-1252, what mailers without MIME meant most often.
 */
export function unfoldedText(field: HeaderField): string {
  // Only the fold goes, with the white space behind it: what mailers put there is not part of the text.
  const bytes = field.value.toString('latin1').replace(/\r?\n[ \t]*/g, ' ');
  if (!EIGHT_BIT.test(bytes)) return oneLine(bytes);
  // Raw bytes inside an encoded word are of that word's charset (`=?iso-8859-1?Q?Fr<F6>sche?=`).
  const words = bytes.replace(ENCODED_WORD_Q, (word) => word.replace(/[\x80-\xff]/g, hexByte));
  const plain = Buffer.from(words, 'latin1');
  return oneLine(isUtf8(plain) ? plain.toString('utf8') : decode(plain, 'windows-1252'));
}

/** A field's value decoded: encoded words of RFC 2047, then as `oneLine`. */
export function decodedText(field: HeaderField): string {
  const text = unfoldedText(field);
  return text.includes('=?') ? oneLine(libmime.decodeWords(text)) : text;
}

function hexByte(byte: string): string {
  return `=${byte.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
