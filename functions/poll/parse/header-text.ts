import { decodeCharset } from './charset.ts';
import { decodeWords } from './encoded-words.ts';
import type { HeaderField } from './headers.ts';
import { oneLine } from './text.ts';

/** Bytes beyond US-ASCII, or the escapes of ISO-2022-JP, which old mailers put into headers as they are. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const NOT_PLAIN = /[\x1b\x80-\xff]/;
const ENCODED_WORD_Q = /=\?[^?\s]{1,100}\?[Qq]\?[^?]*\?=/g;

/**
 * A field's value as one line of Unicode, unfolded, with its encoded words left as they are. Bytes beyond US-ASCII are
 * UTF-8 (RFC 6532) where they are valid as such, else windows-1252, what mailers without MIME meant most often.
 */
export function unfoldedText(field: HeaderField): string {
  // Only the fold goes, with the white space behind it: what mailers put there is not part of the text.
  const bytes = field.value.toString('latin1').replace(/\r?\n[ \t]*/g, ' ');
  if (!NOT_PLAIN.test(bytes)) return oneLine(bytes);
  // Raw bytes inside an encoded word are of that word's charset (`=?iso-8859-1?Q?Fr<F6>sche?=`).
  const words = bytes.replace(ENCODED_WORD_Q, (word) => word.replace(/[\x80-\xff]/g, hexByte));
  const plain = Buffer.from(words, 'latin1');
  return oneLine(decodeCharset(plain, ''));
}

/** A field's value decoded: encoded words of RFC 2047, then as `oneLine`. */
export function decodedText(field: HeaderField): string {
  const text = unfoldedText(field);
  return text.includes('=?') ? oneLine(decodeWords(text)) : text;
}

function hexByte(byte: string): string {
  return `=${byte.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
