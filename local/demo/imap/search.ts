import { BadCommandError, type ImapArgument, textOf } from './command.ts';
import { isInSet, parseNumberSet } from './number-set.ts';
import { hasFlag, type StoredImapMail } from './store.ts';

/** A mail as a session sees it: with its number in the mailbox. */
export interface NumberedMail {
  readonly number: number;
  readonly mail: StoredImapMail;
}

type Test = (mail: NumberedMail) => boolean;

const FLAG_KEYS: ReadonlyMap<string, string> = new Map([
  ['SEEN', '\\Seen'],
  ['DELETED', '\\Deleted'],
  ['FLAGGED', '\\Flagged'],
  ['ANSWERED', '\\Answered'],
  ['DRAFT', '\\Draft'],
]);
const HEADER_KEYS = new Set(['SUBJECT', 'FROM', 'TO', 'CC', 'BCC']);
const DAY_MS = 86_400_000;

/** Reads the criteria of a SEARCH (RFC 9051 section 6.4.4), all of which must hold. Throws BadCommandError. */
export function parseSearch(args: readonly ImapArgument[], view: readonly NumberedMail[]): Test {
  const rest = [...args];
  if (rest[0]?.kind === 'word' && rest[0].text.toUpperCase() === 'CHARSET') rest.splice(0, 2);
  const tests: Test[] = [];
  while (rest.length > 0) tests.push(nextTest(rest, view));
  return (mail) => tests.every((test) => test(mail));
}

function nextTest(rest: ImapArgument[], view: readonly NumberedMail[]): Test {
  const first = rest.shift();
  if (first?.kind === 'list') return parseSearch(first.items, view);
  const key = textOf(first).toUpperCase();
  const text = () => textOf(rest.shift());
  const negated = key.startsWith('UN') ? FLAG_KEYS.get(key.slice(2)) : undefined;
  if (negated !== undefined) return ({ mail }) => !hasFlag(mail, negated);
  const flag = FLAG_KEYS.get(key);
  if (flag !== undefined) return ({ mail }) => hasFlag(mail, flag);
  if (HEADER_KEYS.has(key)) return headerContains(key, text());
  if (/^[\d*]/.test(key)) return inSet(key, view, ({ number }) => number);
  switch (key) {
    case 'ALL':
      return () => true;
    case 'UID':
      return inSet(text(), view, ({ mail }) => mail.uid);
    case 'HEADER':
      return headerContains(text(), text());
    case 'KEYWORD':
      return withText(text(), (keyword, { mail }) => hasFlag(mail, keyword));
    case 'UNKEYWORD':
      return withText(text(), (keyword, { mail }) => !hasFlag(mail, keyword));
    case 'LARGER':
      return withText(text(), (size, { mail }) => mail.raw.length > Number(size));
    case 'SMALLER':
      return withText(text(), (size, { mail }) => mail.raw.length < Number(size));
    case 'SINCE':
      return withDay(text(), (age) => age >= 0);
    case 'BEFORE':
      return withDay(text(), (age) => age < 0);
    case 'ON':
      return withDay(text(), (age) => age >= 0 && age < DAY_MS);
    case 'NOT':
      return negate(nextTest(rest, view));
    case 'OR':
      return either(nextTest(rest, view), nextTest(rest, view));
    default:
      throw new BadCommandError(`The search key ${key} is not known here`);
  }
}

function withText(text: string, test: (text: string, mail: NumberedMail) => boolean): Test {
  return (mail) => test(text, mail);
}

function withDay(text: string, test: (ageMs: number) => boolean): Test {
  const day = Date.parse(`${text} 00:00:00 +0000`);
  if (Number.isNaN(day)) throw new BadCommandError(`"${text}" is not a date`);
  return ({ mail }) => test(mail.receivedAt.getTime() - day);
}

function inSet(set: string, view: readonly NumberedMail[], numberOf: (mail: NumberedMail) => number): Test {
  const numbers = parseNumberSet(set, Math.max(0, ...view.map(numberOf)));
  return (mail) => isInSet(numbers, numberOf(mail));
}

function headerContains(name: string, wanted: string): Test {
  const field = `${name.toLowerCase()}:`;
  const value = wanted.toLowerCase();
  return ({ mail }) =>
    headerFields(mail.raw).some((line) => {
      const lower = line.toLowerCase();
      return lower.startsWith(field) && lower.slice(field.length).includes(value);
    });
}

function negate(test: Test): Test {
  return (mail) => !test(mail);
}

function either(a: Test, b: Test): Test {
  return (mail) => a(mail) || b(mail);
}

/** Where the header section ends, with its empty line. */
export function headerEnd(raw: Buffer): number {
  const end = raw.indexOf('\r\n\r\n');
  return end === -1 ? raw.length : end + 4;
}

/** The header fields, each as it stands, folded lines included, without the last line end. */
export function headerFields(raw: Buffer): string[] {
  const head = raw.toString('latin1', 0, headerEnd(raw));
  return head.split(/\r\n(?![ \t])/).filter((field) => field !== '');
}
