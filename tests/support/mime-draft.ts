import { createHash } from 'node:crypto';
import type { Address } from '../../shared/event.ts';
import type { Dice } from './mail-content.ts';
import { base64, encodeCharset } from './mime-encode.ts';

/** What an attachment must be. */
interface ExpectedFile {
  readonly filename: string | null;
  readonly contentType: string;
  readonly size: number;
  /** Lower-case hex of the decoded bytes. */
  readonly sha256: string;
}

/** What the event of a generated mail must say. A field that is absent is not stated. */
export interface Manifest {
  subject: string | null;
  from: Address | null;
  authors: readonly Address[];
  to: readonly Address[];
  /** ISO 8601 UTC. */
  date: string | null;
  messageId: string | null;
  attachments: ExpectedFile[];
  text?: string | null;
  /** What the text must contain, where not all of it is stated. */
  textHas?: readonly string[];
  html?: string | null;
  /** Whether something could not be read, so that `parseError` says why. */
  hasProblem: boolean;
}

/** A mail in the making: header fields and body as byte strings, and what its event must say. */
export interface Draft {
  /** By lower-case name, each the whole field without its line end, in order. */
  readonly fields: Map<string, string>;
  body: string;
  /** What stands before the first field. @default '' */
  before: string;
  /** Ends the fields and the header. @default '\r\n' */
  lineEnd: string;
  readonly manifest: Manifest;
}

const NAMES = ['Ana Lima', 'Bob Stone', 'Chris Neil', 'Dora Kent', 'Eve Moss'];
const WORDS =
  'the quick brown fox jumps over a lazy dog while nobody watches from behind seven old walls'.split(' ');
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A plain mail that is right in everything; what makes a class is put over it. */
export function newDraft(dice: Dice, id: string): Draft {
  const from = { name: dice.pick(NAMES), address: `user${dice.below(500)}@example.com` };
  const to = { name: null, address: `box${dice.below(500)}@example.org` };
  const subject = `${words(dice, 3)} ${id}`;
  const when = new Date(Date.UTC(2026, dice.below(11), 1 + dice.below(28), dice.below(24), dice.below(60)));
  const text = `${words(dice, 5 + dice.below(20))}\n${words(dice, 4)}\n`;
  const fields = new Map<string, string>();
  const draft: Draft = {
    fields,
    body: crlf(text),
    before: '',
    lineEnd: '\r\n',
    manifest: {
      subject,
      from,
      authors: [from],
      to: [to],
      date: when.toISOString(),
      messageId: `<${id}@example.com>`,
      attachments: [],
      text,
      html: null,
      hasProblem: false,
    },
  };
  setField(draft, 'From', `${from.name} <${from.address}>`);
  setField(draft, 'To', to.address);
  setField(draft, 'Subject', subject);
  setField(draft, 'Date', dateField(when));
  setField(draft, 'Message-ID', `<${id}@example.com>`);
  setField(draft, 'MIME-Version', '1.0');
  return draft;
}

/** Sets or replaces a field. */
export function setField(draft: Draft, name: string, value: string): void {
  draft.fields.set(name.toLowerCase(), `${name}: ${value}`);
}

/** The date of RFC 5322 in UTC. */
export function dateField(when: Date): string {
  const [month, clock] = [MONTHS[when.getUTCMonth()], when.toISOString().slice(11, 19)];
  return `${when.getUTCDate()} ${month} ${when.getUTCFullYear()} ${clock} +0000`;
}

/** Some words, with a number so that no two are alike. */
export function words(dice: Dice, count: number): string {
  return `${Array.from({ length: count }, () => dice.pick(WORDS)).join(' ')} ${dice.below(100_000)}`;
}

/** Line ends as they are on the wire. */
export function crlf(text: string): string {
  return text.replace(/\n/g, '\r\n');
}

/** Bytes of all values. */
export function randomBytes(dice: Dice, length: number): string {
  return Array.from({ length }, () => String.fromCharCode(dice.below(256))).join('');
}

/** A header and a body, as a part stands between two boundaries. */
export function part(fields: readonly string[], body: string): string {
  return `${fields.join('\r\n')}\r\n\r\n${body}`;
}

/** A text part in UTF-8 as 8bit. */
export function textPart(text: string, type = 'text/plain', ...more: readonly string[]): string {
  const fields = [`Content-Type: ${type}; charset=utf-8`, 'Content-Transfer-Encoding: 8bit', ...more];
  return part(fields, encodeCharset(crlf(text), 'utf-8'));
}

/** A file in base64; what its event must say is added to the manifest. */
export function filePart(
  draft: Draft,
  file: { readonly type: string; readonly name: string | null; readonly bytes: string },
  fields: readonly string[] = nameFields(file.type, file.name),
): string {
  expectFile(draft, file);
  return part([...fields, 'Content-Transfer-Encoding: base64'], base64(file.bytes));
}

function nameFields(type: string, name: string | null): string[] {
  if (name === null) return [`Content-Type: ${type}`, 'Content-Disposition: attachment'];
  return [`Content-Type: ${type}; name="${name}"`, `Content-Disposition: attachment; filename="${name}"`];
}

/** Adds an attachment to the manifest. */
export function expectFile(
  draft: Draft,
  file: { readonly type: string; readonly name: string | null; readonly bytes: string },
): void {
  const bytes = Buffer.from(file.bytes, 'latin1');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  draft.manifest.attachments.push({
    ...{ filename: file.name, contentType: file.type, size: bytes.length, sha256 },
  });
}

/** The parts between delimiters, ended as RFC 2046 section 5.1.1 wants it. */
export function multipart(boundary: string, parts: readonly string[]): string {
  return `${parts.map((one) => `--${boundary}\r\n${one}\r\n`).join('')}--${boundary}--\r\n`;
}

/** Makes the draft a multipart; more are parameters of its type. */
export function setMultipart(draft: Draft, subtype: string, parts: readonly string[], more = ''): void {
  setField(draft, 'Content-Type', `multipart/${subtype}; boundary="=_b1"${more}`);
  draft.body = multipart('=_b1', parts);
}

/** The bytes of the whole mail. */
export function bytesOf(draft: Draft): Buffer {
  const head = [...draft.fields.values()].map((field) => field + draft.lineEnd).join('');
  return Buffer.from(draft.before + head + draft.lineEnd + draft.body, 'latin1');
}
