import { unfoldedText } from './header-text.ts';
import { firstField, type HeaderSection } from './headers.ts';
import { MAX_TEXT_BYTES } from './limits.ts';
import { type PartText, readPartText } from './part-text.ts';
import { decodeQuotedPrintable } from './quoted-printable.ts';

/** The plainest Content-Type fields of a text, which can mean one thing only. */
const PLAIN_TYPE =
  /^(text\/(?:plain|html))(?:; ?charset=(?:"([\w-]+)"|([\w-]+)))?(?:; ?format=(flowed))?(?:; ?delsp=(yes))?;?$/i;

/** In quoted-printable a byte takes three. */
const MAX_ENCODED_BYTES = 3 * MAX_TEXT_BYTES;

/** Base64 with its padding at the very end. */
const WHOLE_BASE64 = /^[A-Za-z0-9+/\r\n]*={0,2}[\r\n]*$/;

/**
 * The text of a message that is nothing but one text, as half of all mails are: it takes no parser to find its parts,
 * which saves a fifth of the time of all mails together. Null of any other message, and of any doubt.
 */
export function readPlainBody(section: HeaderSection, body: Buffer): PartText | null {
  if (firstField(section, 'content-disposition') !== null) return null;
  const type = firstField(section, 'content-type');
  const match = PLAIN_TYPE.exec(type === null ? 'text/plain' : unfoldedText(type));
  const bytes = match === null ? null : decodedBody(section, body.subarray(0, MAX_ENCODED_BYTES));
  if (match === null || bytes === null) return null;
  const kept = bytes.subarray(0, MAX_TEXT_BYTES);
  const isWhole = body.length <= MAX_ENCODED_BYTES && kept.length === bytes.length;
  const [, name = '', quoted, token, format, delsp] = match;
  return readPartText({ type: name.toLowerCase(), charset: quoted ?? token, format, delsp }, kept, isWhole);
}

/** RFC 2045 section 6: without its transfer encoding; null when the encoding is unknown or broken. */
function decodedBody(section: HeaderSection, body: Buffer): Buffer | null {
  const field = firstField(section, 'content-transfer-encoding');
  const encoding = field === null ? '7bit' : unfoldedText(field).toLowerCase();
  if (encoding === '7bit' || encoding === '8bit' || encoding === 'binary') return body;
  if (encoding === 'quoted-printable') return decodeQuotedPrintable(body);
  if (encoding !== 'base64') return null;
  const text = body.toString('latin1');
  return WHOLE_BASE64.test(text) ? Buffer.from(text, 'base64') : null;
}
