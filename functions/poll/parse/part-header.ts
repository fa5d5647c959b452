import libmime from 'libmime';
import type { Attachment } from '../../../shared/event.ts';
import { decodeCharset } from './charset.ts';
import { decodeWords } from './encoded-words.ts';
import { unfoldedText } from './header-text.ts';
import { firstField, type HeaderField, type HeaderSection } from './headers.ts';
import { MAX_CONTENT_FIELD_BYTES, MAX_ID_CHARS } from './limits.ts';

/** How the bytes of a part are written; whatever else it may say means that they stand for themselves. */
type TransferEncoding = 'identity' | 'base64' | 'quoted-printable' | 'uuencode';

/** What the header of a message or of one of its parts says of the content. */
export interface PartHeader {
  /** Media type and subtype in lower case. */
  readonly type: string;
  /** Parameters of the Content-Type; undefined when missing. */
  readonly boundary: string | undefined;
  readonly charset: string | undefined;
  readonly format: string | undefined;
  readonly delsp: string | undefined;
  readonly encoding: TransferEncoding;
  readonly disposition: Attachment['disposition'];
  /** Decoded, as the sender wrote it: with folders, or of any length. */
  readonly filename: string | null;
  /** Without angle brackets. */
  readonly contentId: string | null;
}

/** RFC 2045 section 5.1: type and subtype are tokens. */
const MEDIA_TYPE = /^[a-z0-9!#$%&'*+.^_`{|}~-]{1,100}\/[a-z0-9!#$%&'*+.^_`{|}~-]{1,100}$/;

const NOT_TEXT = /^(?:application|audio|font|image|message|model|multipart|video)\b/;

/** A parameter right behind the value, with the semicolon forgotten, or with no value in front of it. */
const FORGOTTEN_SEMICOLON = /^([\w.+-]+(?:\/[\w.+-]+)?) +(?=[\w*-]+ ?=)/;
const FORGOTTEN_VALUE = /^(?=(?:file)?name\*?\d*\*? ?=)/i;

/** The extended syntax of RFC 2231 section 4 in a parameter that is not marked as extended. */
const UNMARKED_EXTENDED = /^([\w-]{1,40})'[\w-]{0,20}'(?=.*%[0-9A-Fa-f]{2})/;

/** What mailers write for the encodings of RFC 2045 section 6, and for uuencode, which never became one. */
const ENCODINGS: ReadonlyMap<string, TransferEncoding> = new Map([
  ['base64', 'base64'],
  ['base-64', 'base64'],
  ['x-base64', 'base64'],
  ['quoted-printable', 'quoted-printable'],
  ['quoted_printable', 'quoted-printable'],
  ['quotedprintable', 'quoted-printable'],
  ['x-quoted-printable', 'quoted-printable'],
  ['uuencode', 'uuencode'],
  ['x-uuencode', 'uuencode'],
  ['uue', 'uuencode'],
  ['x-uue', 'uuencode'],
  ['x-uu', 'uuencode'],
]);

/**
 * Reads the fields that describe a content (RFC 2045, RFC 2183, parameters with RFC 2231), and what mailers make of them:
 * encoded words in parameters, forgotten semicolons, backslashes of Windows paths. A field that is too long to be one
 * counts as missing, and a Content-Type that is none as text/plain (RFC 2045 section 5.2).
 *
 * @param defaultType The type of a part that declares none: message/rfc822 in a digest (RFC 2046 section 5.1.5).
 */
export function readPartHeader(section: HeaderSection, defaultType: string): PartHeader {
  const disposition = parametersOf(contentField(section, 'content-disposition'));
  const typeField = contentField(section, 'content-type');
  const type = parametersOf(typeField);
  const filename = disposition.params.get('filename') || disposition.params.get('name');
  const name = filename || type.params.get('name') || null;
  return {
    type:
      typeField === null || type.value === ''
        ? typeByName(name, disposition.value, defaultType)
        : validType(type.value),
    boundary: boundaryOf(type.params.get('boundary')),
    charset: type.params.get('charset'),
    format: type.params.get('format'),
    delsp: type.params.get('delsp'),
    encoding: encodingOf(contentField(section, 'content-transfer-encoding')),
    disposition: dispositionOf(disposition.value),
    filename: name,
    contentId: contentIdOf(contentField(section, 'content-id')),
  };
}

/**
 * The same description in the fewest and plainest words, for the parser that finds the parts: nothing in it can be read in
 * two ways. What that parser need not know is left out.
 */
export function plainHeader(part: PartHeader): Buffer {
  const boundary = part.type.startsWith('multipart/') ? (part.boundary ?? '') : '';
  const parameter = boundary === '' ? '' : `; boundary="${boundary.replace(/["\\]/g, '\\$&')}"`;
  const isKnown = part.encoding === 'base64' || part.encoding === 'quoted-printable';
  const encoding = isKnown ? `Content-Transfer-Encoding: ${part.encoding}\r\n` : '';
  return Buffer.from(`Content-Type: ${part.type}${parameter}\r\n${encoding}\r\n`);
}

function contentField(section: HeaderSection, key: string): HeaderField | null {
  const field = firstField(section, key);
  return field !== null && field.line.length <= MAX_CONTENT_FIELD_BYTES ? field : null;
}

interface Parameters {
  /** In lower case; empty when missing. */
  readonly value: string;
  readonly params: ReadonlyMap<string, string>;
}

const NO_PARAMETERS: Parameters = { value: '', params: new Map() };

function parametersOf(field: HeaderField | null): Parameters {
  if (field === null) return NO_PARAMETERS;
  const text = unfoldedText(field)
    .replace(FORGOTTEN_SEMICOLON, '$1; ')
    .replace(FORGOTTEN_VALUE, '; ')
    // A backslash that escapes nothing is part of a Windows path.
    .replace(/\\(?!["\\])/g, '\\\\');
  const parsed = libmime.parseHeaderValue(text, { stripComments: true });
  const decoded = new Set(parsed.decodedParams);
  const params = new Map<string, string>();
  for (const [key, value] of Object.entries(parsed.params)) {
    params.set(key, decoded.has(key) ? value : decodedParameter(value));
  }
  return { value: decodeWords(parsed.value).trim().toLowerCase(), params };
}

function decodedParameter(value: string): string {
  const charset = UNMARKED_EXTENDED.exec(value);
  if (charset === null) return value.includes('=?') ? decodeWords(value) : value;
  const bytes = value
    .slice(charset[0].length)
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return decodeCharset(Buffer.from(bytes, 'latin1'), charset[1] ?? '');
}

/** Delimiter lines are lines of a mail (RFC 5322 section 2.1.1): a longer boundary cannot occur. */
function boundaryOf(value: string | undefined): string | undefined {
  return value !== undefined && value.length <= MAX_ID_CHARS ? value : undefined;
}

/** RFC 2045 section 5.2: what is no type is text, unless it begins as one that is not. */
function validType(declared: string): string {
  if (MEDIA_TYPE.test(declared)) return declared;
  return NOT_TEXT.test(declared) ? 'application/octet-stream' : 'text/plain';
}

/** Of a part that does not declare its type: what the name of its file says, if it has one. */
function typeByName(name: string | null, disposition: string, defaultType: string): string {
  const extension = /\.([A-Za-z0-9]{1,20})$/.exec(name ?? '')?.[1];
  if (extension !== undefined) return libmime.detectMimeType(extension);
  return disposition === 'attachment' ? 'application/octet-stream' : defaultType;
}

function encodingOf(field: HeaderField | null): TransferEncoding {
  if (field === null) return 'identity';
  const name = unfoldedText(field)
    .toLowerCase()
    .replace(/\(.*|["';\s]/g, '');
  return ENCODINGS.get(name) ?? 'identity';
}

/** RFC 2183 section 2.8: an unknown disposition means attachment. */
function dispositionOf(value: string): PartHeader['disposition'] {
  if (value === '') return null;
  return value === 'inline' ? 'inline' : 'attachment';
}

/** RFC 2392: between angle brackets; some mailers forget them, or write something behind. */
function contentIdOf(field: HeaderField | null): string | null {
  if (field === null) return null;
  const text = decodeWords(unfoldedText(field)).replaceAll('"', '').trim();
  return (/^<([^<>]*)>/.exec(text)?.[1] ?? text.replace(/[<>]/g, '')).trim() || null;
}
