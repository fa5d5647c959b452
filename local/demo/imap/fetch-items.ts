import { BadCommandError, type ImapArgument, itemsOf, textOf } from './command.ts';
import { headerEnd, headerFields, type NumberedMail } from './search.ts';

/** One thing that a FETCH asks for. */
interface FetchItem {
  /** Whether it marks the mail as read. */
  readonly marksSeen: boolean;
  /** The name and the value as they stand in the answer. */
  readonly render: (mail: NumberedMail) => readonly (string | Buffer)[];
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const SECTION = /^BODY(\.PEEK)?\[([^\]]*)\](?:<(\d{1,10})\.(\d{1,10})>)?$/i;
const FAST = ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'];

/**
 * Reads what a FETCH asks for (RFC 9051 section 6.4.5): flags, UID, size, date, and the whole mail, its header, some header
 * fields or its text, or a part of these. Not the MIME structure. Throws BadCommandError.
 */
export function parseFetchItems(argument: ImapArgument | undefined, isUid: boolean): FetchItem[] {
  const names = itemsOf(argument).flatMap((item) => {
    const name = textOf(item);
    return name.toUpperCase() === 'FAST' ? FAST : [name];
  });
  // RFC 9051 section 6.4.9: an answer to UID FETCH has the UID in it, asked for or not.
  if (isUid && !names.some((name) => name.toUpperCase() === 'UID')) names.unshift('UID');
  return names.map(fetchItem);
}

function fetchItem(name: string): FetchItem {
  const section = SECTION.exec(name);
  if (section !== null) return sectionItem(section);
  switch (name.toUpperCase()) {
    case 'UID':
      return quiet(({ mail }) => [`UID ${mail.uid}`]);
    case 'FLAGS':
      return quiet(({ mail }) => [`FLAGS (${[...mail.flags].join(' ')})`]);
    case 'RFC822.SIZE':
      return quiet(({ mail }) => [`RFC822.SIZE ${mail.raw.length}`]);
    case 'INTERNALDATE':
      return quiet(({ mail }) => [`INTERNALDATE "${formatDate(mail.receivedAt)}"`]);
    case 'RFC822':
      return { marksSeen: true, render: ({ mail }) => literal('RFC822', mail.raw) };
    case 'RFC822.HEADER':
      return quiet(({ mail }) => literal('RFC822.HEADER', mail.raw.subarray(0, headerEnd(mail.raw))));
    default:
      throw new BadCommandError(`The item ${name} cannot be fetched here`);
  }
}

function quiet(render: FetchItem['render']): FetchItem {
  return { marksSeen: false, render };
}

function sectionItem([, peek, section = '', start, length]: RegExpExecArray): FetchItem {
  const cut = sectionOf(section);
  return {
    marksSeen: peek === undefined,
    render: ({ mail }) => {
      const bytes = cut(mail.raw);
      if (start === undefined) return literal(`BODY[${section}]`, bytes);
      const from = Number(start);
      return literal(`BODY[${section}]<${from}>`, bytes.subarray(from, from + Number(length)));
    },
  };
}

function sectionOf(section: string): (raw: Buffer) => Buffer {
  const fields = /^HEADER\.FIELDS(\.NOT)? \(([^)]*)\)$/i.exec(section);
  if (fields !== null) {
    const names = new Set((fields[2] ?? '').toLowerCase().split(' '));
    const wanted = fields[1] === undefined;
    return (raw) => someFields(raw, (name) => names.has(name) === wanted);
  }
  switch (section.toUpperCase()) {
    case '':
      return (raw) => raw;
    case 'HEADER':
      return (raw) => raw.subarray(0, headerEnd(raw));
    case 'TEXT':
      return (raw) => raw.subarray(headerEnd(raw));
    default:
      throw new BadCommandError(`The section ${section} cannot be fetched here`);
  }
}

function someFields(raw: Buffer, keep: (name: string) => boolean): Buffer {
  const kept = headerFields(raw).filter((field) => keep((field.split(':', 1)[0] ?? '').toLowerCase()));
  return Buffer.from([...kept, '', ''].join('\r\n'), 'latin1');
}

function literal(name: string, bytes: Buffer): (string | Buffer)[] {
  return [`${name} {${bytes.length}}\r\n`, bytes];
}

function formatDate(date: Date): string {
  const two = (number: number) => String(number).padStart(2, '0');
  const day = String(date.getUTCDate()).padStart(2, ' ');
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':');
  return `${day}-${MONTHS[date.getUTCMonth()]}-${date.getUTCFullYear()} ${time} +0000`;
}
