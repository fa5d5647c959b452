import { createHash } from 'node:crypto';
import PostalMime, { type Email, type Address as PostalAddress } from 'postal-mime';
import type { MessageData } from '../../../shared/event.ts';

/** What a parser read of a mail, in a form in which two can be compared. Blanks count as one: parsers fold lines in their own ways. */
export interface Reading {
  readonly subject: string;
  readonly messageId: string;
  /** All authors, `name <address>` each. */
  readonly from: string;
  readonly to: string;
  readonly cc: string;
  /** ISO 8601 UTC; empty when it cannot be read. */
  readonly date: string;
  readonly text: string;
  readonly html: string;
  /** SHA-256 of the files in order; `?` where the parser does not give the bytes. */
  readonly files: string;
  readonly names: string;
  readonly types: string;
}

/** The fields that are compared. */
export const READING_FIELDS = [
  ...([
    'subject',
    'messageId',
    'from',
    'to',
    'cc',
    'date',
    'text',
    'html',
    'files',
    'names',
    'types',
  ] as const),
];

/** A parser's name. */
export type Peer = 'postal-mime' | 'python';

interface Person {
  readonly name: string | null;
  readonly address: string | null;
}

interface File {
  readonly name: string | null;
  readonly type: string;
  readonly sha256: string | null;
}

/** Our reading. */
export function ourReading(data: MessageData): Reading {
  return {
    ...textsOf(data.subject, data.messageId, data.text, data.html),
    ...{ from: people(data.authors), to: people(data.to), cc: people(data.cc), date: data.date ?? '' },
    ...filesOf(data.attachments.map((file) => ({ ...file, name: file.filename, type: file.contentType }))),
  };
}

/** The reading of postal-mime, with embedded mails as files, as we have them; null when it refuses the mail. */
export async function postalReading(bytes: Buffer): Promise<Reading | null> {
  const mail = await PostalMime.parse(bytes, { forceRfc822Attachments: true }).catch(() => null);
  if (mail === null) return null;
  return {
    ...textsOf(mail.subject, mail.messageId, mail.text, mail.html),
    from: people(peopleOf(mail.from === undefined ? [] : [mail.from])),
    to: people(peopleOf(mail.to)),
    cc: people(peopleOf(mail.cc)),
    date: postalDate(mail.date),
    ...filesOf(
      mail.attachments.map((file) => ({
        ...{ name: file.filename, type: file.mimeType, sha256: hashOf(file.content) },
      })),
    ),
  };
}

function hashOf(content: Email['attachments'][number]['content']): string {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : new Uint8Array(content);
  return createHash('sha256').update(bytes).digest('hex');
}

function peopleOf(addresses: readonly PostalAddress[] | undefined): Person[] {
  return (addresses ?? []).flatMap((entry) =>
    entry.group === undefined
      ? [{ name: entry.name, address: entry.address ?? null }]
      : peopleOf(entry.group),
  );
}

/** What it cannot read it gives as it stands. */
function postalDate(date: string | undefined): string {
  return date !== undefined && /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(date) ? date : '';
}

/** What tests/support/read-mails.py prints for one mail. */
export interface PythonAnswer {
  readonly error?: string;
  readonly subject: string | null;
  readonly messageId: string | null;
  readonly from: readonly (readonly [string | null, string | null])[];
  readonly to: PythonAnswer['from'];
  readonly cc: PythonAnswer['from'];
  readonly date: string | null;
  readonly text: string;
  readonly html: string;
  readonly files: readonly File[];
}

/** The reading of Python's email package; null when it failed. */
export function pythonReading(answer: PythonAnswer): Reading | null {
  if (answer.error !== undefined) return null;
  const list = (pairs: PythonAnswer['from']) => people(pairs.map(([name, address]) => ({ name, address })));
  return {
    ...textsOf(answer.subject, answer.messageId, answer.text, answer.html),
    ...{ from: list(answer.from), to: list(answer.to), cc: list(answer.cc), date: answer.date ?? '' },
    ...filesOf(answer.files),
  };
}

function textsOf(
  ...texts: readonly (string | null | undefined)[]
): Pick<Reading, 'subject' | 'messageId' | 'text' | 'html'> {
  const [subject = '', messageId = '', text = '', html = ''] = texts.map(collapsed);
  return { subject, messageId, text, html };
}

function filesOf(files: readonly File[]): Pick<Reading, 'files' | 'names' | 'types'> {
  return {
    files: files.map(({ sha256 }) => sha256 ?? '?').join(' '),
    names: files.map(({ name }) => collapsed(name)).join(' | '),
    types: files.map(({ type }) => type.toLowerCase()).join(' '),
  };
}

function people(list: readonly Person[]): string {
  return list
    .map(({ name, address }) => `${collapsed(name)} <${collapsed(address)}>`)
    .filter((one) => one !== ' <>')
    .join(', ');
}

function collapsed(text: string | null | undefined): string {
  return (text ?? '').replace(/[\s\0\ufeff]+/g, ' ').trim();
}

/** Whether two readings of a field are the same; `?` stands for bytes that nobody gave, and is like any. */
export function isSame(field: keyof Reading, one: string, other: string): boolean {
  if (one === other) return true;
  if (field !== 'files') return false;
  const [left, right] = [one.split(' '), other.split(' ')];
  return (
    left.length === right.length &&
    left.every((hash, index) => hash === right[index] || hash === '?' || right[index] === '?')
  );
}
