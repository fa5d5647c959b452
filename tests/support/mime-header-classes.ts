import type { Dice } from './mail-content.ts';
import {
  type Draft,
  dateField,
  filePart,
  randomBytes,
  setField,
  setMultipart,
  textPart,
  words,
} from './mime-draft.ts';
import { encodeCharset, encodedWord, encodedWords, parameter2231 } from './mime-encode.ts';
import { FILE_NAMES, MULTI_BYTE, PHRASES, SINGLE_BYTE } from './mime-languages.ts';

/** Puts what makes a class over a plain mail. */
export type MakeClass = (dice: Dice, draft: Draft) => void;

const SOME_BYTES = 300;
/** Charsets whose text survives being cut between any two characters, as the encoded words of a subject cut it. */
const HEADER_CHARSETS = { ...SINGLE_BYTE, ...MULTI_BYTE };

function setSubject(draft: Draft, field: string, subject: string): void {
  setField(draft, 'Subject', field);
  draft.manifest.subject = subject;
}

function setFrom(draft: Draft, field: string, authors: Draft['manifest']['authors']): void {
  setField(draft, 'From', field);
  draft.manifest.authors = authors;
  draft.manifest.from = authors[0] ?? null;
}

/** RFC 2047 as it should be, in many charsets, on several lines. */
function encodedHeaders(dice: Dice, draft: Draft): void {
  const [charset, sample] = dice.pick(Object.entries(HEADER_CHARSETS));
  const subject = `${sample} ${words(dice, 4)}`;
  setSubject(draft, encodedWords(subject, charset, dice.pick(['B', 'Q']), 4 + dice.below(9)), subject);
  const name = dice.pick(PHRASES);
  const address = `u${dice.below(999)}@example.com`;
  setFrom(draft, `${encodedWords(name, 'utf-8', 'B')}\r\n <${address}>`, [{ name, address }]);
}

/** What mailers make of RFC 2047. */
function brokenEncodedHeaders(dice: Dice, draft: Draft): void {
  const number = String(dice.below(100_000));
  const base64 = Buffer.from(`Grüße ${number}`).toString('base64');
  const variants: readonly (readonly [string, string])[] = [
    // Raw bytes of the named charset inside the word.
    [`=?iso-8859-1?Q?Fr\xf6sche_${number}?=`, `Frösche ${number}`],
    [`=?iso-8859-1?Q?Sch=F6n gr=FCn ${number}?=`, `Schön grün ${number}`],
    [`=?utf-8?B?${base64.replace(/=+$/, '')}?=`, `Grüße ${number}`],
    [`=?Utf-8?b?${base64}?=`, `Grüße ${number}`],
    [`=?iso-8859-1?q?gr=fcn_${number}?=`, `grün ${number}`],
    [splitCharacter('B', number), `Grüße ${number}`],
    [splitCharacter('Q', number), `Grüße ${number}`],
    // RFC 2231 section 5: a language behind the charset.
    [`=?utf-8*de?Q?Gr=C3=BCn_${number}?=`, `Grün ${number}`],
  ];
  const [field, subject] = dice.pick(variants);
  setSubject(draft, field, subject);
}

/** A character of two bytes, one byte in each of two words. */
function splitCharacter(encoding: 'B' | 'Q', number: string): string {
  const bytes = Buffer.from(`Grüße ${number}`);
  const word = (half: Buffer) =>
    encoding === 'B'
      ? `=?utf-8?B?${half.toString('base64')}?=`
      : `=?utf-8?Q?${[...half].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')}?=`;
  return `${word(bytes.subarray(0, 3))} ${word(bytes.subarray(3))}`;
}

/** Bytes beyond ASCII as they are: UTF-8 (RFC 6532), or an old charset that nobody named. */
function rawHeaders(dice: Dice, draft: Draft): void {
  const subject = `${dice.pick(PHRASES)} ${dice.below(100_000)}`;
  if (dice.chance(0.3)) {
    const latin = `Grüße und Küsse ${dice.below(100_000)}`;
    setSubject(draft, encodeCharset(latin, 'windows-1252'), latin);
    return;
  }
  setSubject(draft, encodeCharset(subject, 'utf-8'), subject);
  const author = { name: dice.pick(PHRASES), address: 'jürgen@bücher.example' };
  setFrom(draft, encodeCharset(`"${author.name}" <${author.address}>`, 'utf-8'), [author]);
}

/** Names of files as RFC 2231 wants them. */
function extendedNames(dice: Dice, draft: Draft): void {
  const name = `${dice.below(1000)} ${dice.pick(FILE_NAMES)}`;
  const parameter = parameter2231('filename', name, dice.pick([8, 20, 500]));
  const fields = ['Content-Type: application/pdf', `Content-Disposition: attachment;\r\n ${parameter}`];
  fileMail(dice, draft, name, fields);
}

/** Names of files as mailers write them. */
function looseNames(dice: Dice, draft: Draft): void {
  const number = dice.below(100_000);
  const name = `${number} Übersicht.pdf`;
  const ascii = `${number}-report.pdf`;
  const type = 'Content-Type: application/pdf';
  const extended = parameter2231('filename', name, 500);
  const variants: readonly (readonly [string, readonly string[]])[] = [
    [name, [type, `Content-Disposition: attachment; filename="${encodedWord(name, 'utf-8', 'B')}"`]],
    [name, [`${type}; name="${encodedWord(name, 'utf-8', 'Q')}"`]],
    [name, [`${type}; name=${encodedWord(name, 'utf-8', 'B')}`, 'Content-Disposition: attachment']],
    [name, [type, `Content-Disposition: attachment; filename="${encodeCharset(name, 'utf-8')}"`]],
    // RFC 6266 section 4.3: the extended one holds.
    [name, [type, `Content-Disposition: attachment; filename="fallback.pdf"; ${extended}`]],
    [ascii, [type, `Content-Disposition: attachment; filename=${ascii}`]],
    [ascii, [type, `Content-Disposition: attachment; filename="C:\\\\Temp\\\\${ascii}"`]],
    [ascii, [`${type}; name="../../${ascii}"`, 'Content-Disposition: attachment']],
  ];
  const [expected, fields] = dice.pick(variants);
  fileMail(dice, draft, expected, fields);
}

function fileMail(dice: Dice, draft: Draft, name: string, fields: readonly string[]): void {
  const text = `${words(dice, 5)}\n`;
  const bytes = randomBytes(dice, 1 + dice.below(SOME_BYTES));
  const file = filePart(draft, { type: 'application/pdf', name, bytes }, fields);
  setMultipart(draft, 'mixed', [textPart(text), file]);
  draft.manifest.text = text;
}

function groups(dice: Dice, draft: Draft): void {
  const [one, two] = [`a${dice.below(999)}@example.com`, `b${dice.below(999)}@example.com`];
  const variants: readonly (readonly [string, Draft['manifest']['to']])[] = [
    ['undisclosed-recipients:;', []],
    [`Friends: ${one}, "Bo, Jr." <${two}>;`, [person(null, one), person('Bo, Jr.', two)]],
    [`Friends: ${one};, ${two}`, [person(null, one), person(null, two)]],
    [`${one}, "A B":Eve <${two}>;`, [person(null, one), person('Eve', two)]],
  ];
  const [field, to] = dice.pick(variants);
  setField(draft, 'To', field);
  draft.manifest.to = to;
}

function person(
  name: string | null,
  address: string | null,
): { name: string | null; address: string | null } {
  return { name, address };
}

function oddAddresses(dice: Dice, draft: Draft): void {
  const address = `x${dice.below(9_999)}@example.com`;
  const variants: readonly (readonly [string, Draft['manifest']['authors']])[] = [
    ['<>', []],
    [`<${address}>`, [person(null, address)]],
    [`"${address}" <${address}>`, [person(address, address)]],
    [`${address} (Ana Lima)`, [person('Ana Lima', address)]],
    [`"Lima, Ana" <${address}>`, [person('Lima, Ana', address)]],
    [`"Ana \\"the\\" Lima" <${address}>`, [person('Ana "the" Lima', address)]],
    [`Ana Lima\r\n <${address}>`, [person('Ana Lima', address)]],
    [`"Ana Lima"<${address}>`, [person('Ana Lima', address)]],
    [`Ana O'Lima <${address}>`, [person("Ana O'Lima", address)]],
    [`"${encodedWord('Zoë', 'utf-8', 'Q')}" <${address}>`, [person('Zoë', address)]],
    [`${address}, Bo <bo@example.com>`, [person(null, address), person('Bo', 'bo@example.com')]],
  ];
  const [field, authors] = dice.pick(variants);
  setFrom(draft, field, authors);
}

/** RFC 5322 allows one From field; the authors of all are kept. */
function twoFrom(dice: Dice, draft: Draft): void {
  const second = { name: 'Second Author', address: `second${dice.below(999)}@example.net` };
  draft.fields.set('from-2', `From: ${second.name} <${second.address}>`);
  draft.manifest.authors = [...draft.manifest.authors, second];
}

function oddDates(dice: Dice, draft: Draft): void {
  const when = new Date(Date.UTC(2003, dice.below(12), 1 + dice.below(28), dice.below(24), dice.below(60)));
  const plain = dateField(when);
  const bare = plain.replace(' +0000', '');
  const shifted = (hours: number) => new Date(when.getTime() - hours * 3_600_000).toISOString();
  const variants: readonly (readonly [string, string | null])[] = [
    ['yesterday at noon', null],
    ['Mon, 99 Foo 2003 12:00:00 +0000', null],
    ['', null],
    [plain.replace(' 2003 ', ' 03 '), when.toISOString()],
    // RFC 5322 section 4.3: three digits count from 1900.
    [plain.replace(' 2003 ', ' 103 '), when.toISOString()],
    [`${bare} GMT`, when.toISOString()],
    [`${bare} EST`, shifted(-5)],
    [`${bare} PDT`, shifted(-7)],
    [`${bare} EET`, shifted(2)],
    [`${bare} +0200 (CEST)`, shifted(2)],
    [`${bare} -0330`, shifted(-3.5)],
    [plain.replace(/(\d\d:\d\d):\d\d/, '$1'), when.toISOString()],
    [plain.toLowerCase(), when.toISOString()],
    [plain.replaceAll(' ', '\r\n  '), when.toISOString()],
  ];
  const [field, date] = dice.pick(variants);
  setField(draft, 'Date', field);
  draft.manifest.date = date;
}

/** Classes that are made of the header. */
export const HEADER_CLASSES: Readonly<Record<string, MakeClass>> = {
  'encoded words': encodedHeaders,
  'encoded words, broken': brokenEncodedHeaders,
  '8-bit headers': rawHeaders,
  'RFC 2231 names': extendedNames,
  'loose names': looseNames,
  groups,
  'odd addresses': oddAddresses,
  'two From': twoFrom,
  'odd dates': oddDates,
};
