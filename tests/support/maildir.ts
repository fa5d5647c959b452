import {
  chownSync,
  closeSync,
  fchownSync,
  futimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Namespace } from './dovecot-config.ts';

/** A message as it lies on disk. */
export interface StoredMessage {
  /** The file's name with its flags; its part before the colon stays when flags change or it moves. */
  readonly file: string;
  /** IMAP's spelling: `\Seen`, `\Flagged`, `\Answered`, `\Deleted`, `\Draft`, and keywords. */
  readonly flags: readonly string[];
  /** The bytes on disk; a server sends bare line feeds as CRLF. */
  readonly bytes: Buffer;
}

/** Who owns what is written; null leaves it to the system. */
export type Owner = { readonly uid: number; readonly gid: number } | null;

const SYSTEM_FLAGS: Readonly<Record<string, string>> = {
  D: '\\Draft',
  F: '\\Flagged',
  R: '\\Answered',
  S: '\\Seen',
  T: '\\Deleted',
};
const MESSAGES_PER_TURN = 500;
const READ_TRIES = 10;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

const startSeconds = Math.floor(Date.now() / 1000);
let deliveries = 0;

/** The folder of a mailbox within a Maildir++: `A/B` lies in `.A.B`. */
export function maildirFolder(maildir: string, mailbox: string, { prefix, separator }: Namespace): string {
  if (mailbox.toUpperCase() === 'INBOX') return maildir;
  const name = mailbox.startsWith(prefix) ? mailbox.slice(prefix.length) : mailbox;
  return join(maildir, `.${name.split(separator).join('.')}`);
}

/** The mailboxes of a Maildir++, INBOX first. */
export function maildirMailboxes(maildir: string, { prefix, separator }: Namespace): string[] {
  const names = listed(maildir)
    .filter((name) => name.startsWith('.'))
    .map((name) => prefix + name.slice(1).split('.').join(separator));
  return ['INBOX', ...names.sort()];
}

/**
 * Puts mails into a Maildir, each complete at once (written to `tmp`, renamed to `new`), in an order that servers
 * number them by. Resolves to the names of the files.
 */
export async function deliverToMaildir(
  folder: string,
  mails: Iterable<Uint8Array>,
  options: { readonly owner: Owner; readonly receivedAt?: Date | undefined },
): Promise<string[]> {
  makeMaildir(folder, options.owner);
  const names: string[] = [];
  for (const mail of mails) {
    const name = uniqueName(mail);
    writeMail(join(folder, 'tmp', name), mail, options.owner, options.receivedAt);
    renameSync(join(folder, 'tmp', name), join(folder, 'new', name));
    names.push(name);
    // Sockets of the same process are served while many mails are written.
    if (names.length % MESSAGES_PER_TURN === 0) await nextTurn();
  }
  return names;
}

/** The messages of a Maildir, in the order of their delivery. */
export function readMaildir(folder: string): StoredMessage[] {
  // A server that renames files while they are read makes some vanish: then the list is read anew.
  for (let tries = 0; tries < READ_TRIES; tries++) {
    const messages = readOnce(folder);
    if (messages !== null) return messages;
  }
  throw new Error(
    `Cannot read Maildir "${folder}": its files were renamed during each of ${READ_TRIES} tries`,
  );
}

function readOnce(folder: string): StoredMessage[] | null {
  const keywords = readKeywords(folder);
  const files = ['new', 'cur'].flatMap((part) => listed(join(folder, part)).map((file) => ({ part, file })));
  files.sort((a, b) => (a.file < b.file ? -1 : 1));
  const messages: StoredMessage[] = [];
  for (const { part, file } of files) {
    const bytes = unlessMissing(() => readFileSync(join(folder, part, file)));
    if (bytes === null) return null;
    messages.push({ file, flags: flagsOf(file, keywords), bytes });
  }
  return messages;
}

/** Makes a server forget the UIDs of a mailbox: it opens it next with another UIDVALIDITY. */
export function forgetUids(folder: string): void {
  for (const name of listed(folder)) {
    if (name === 'dovecot-uidlist' || /^dovecot[.]index/.test(name)) rmSync(join(folder, name));
  }
}

function makeMaildir(folder: string, owner: Owner): void {
  for (const part of ['tmp', 'new', 'cur']) {
    // Only the first folder that had to be made is named; all below it are new too.
    const made = mkdirSync(join(folder, part), { recursive: true, mode: 0o700 });
    if (made === undefined || owner === null) continue;
    for (let path = join(folder, part); path.length >= made.length; path = join(path, '..')) {
      chownSync(path, owner.uid, owner.gid);
    }
  }
}

function uniqueName(mail: Uint8Array): string {
  const number = deliveries++;
  const seconds = startSeconds + Math.floor(number / 1_000_000);
  const order = `${seconds}.M${String(number % 1_000_000).padStart(6, '0')}P${process.pid}`;
  // Maildir++ sizes save the server opening each file: S on disk, W with every line end as CRLF.
  return `${order}.localhost,S=${mail.length},W=${mail.length + bareLineFeeds(mail)}`;
}

function bareLineFeeds(mail: Uint8Array): number {
  let count = 0;
  for (let at = mail.indexOf(LINE_FEED); at !== -1; at = mail.indexOf(LINE_FEED, at + 1)) {
    if (mail[at - 1] !== CARRIAGE_RETURN) count++;
  }
  return count;
}

function writeMail(path: string, mail: Uint8Array, owner: Owner, receivedAt: Date | undefined): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    for (let done = 0; done < mail.length; ) done += writeSync(file, mail, done);
    if (owner !== null) fchownSync(file, owner.uid, owner.gid);
    // The time of the file is the message's INTERNALDATE.
    if (receivedAt !== undefined) futimesSync(file, receivedAt, receivedAt);
  } finally {
    closeSync(file);
  }
}

function flagsOf(file: string, keywords: readonly string[]): string[] {
  const letters = /:2,([A-Za-z]*)$/.exec(file)?.[1] ?? '';
  return [...letters].map((letter) => {
    const keyword = keywords[letter.charCodeAt(0) - 'a'.charCodeAt(0)];
    return SYSTEM_FLAGS[letter] ?? keyword ?? letter;
  });
}

/** Dovecot keeps the names of the letters a to z per mailbox: lines of `number name`. */
function readKeywords(folder: string): string[] {
  if (!listed(folder).includes('dovecot-keywords')) return [];
  const keywords: string[] = [];
  for (const line of readFileSync(join(folder, 'dovecot-keywords'), 'utf8').split('\n')) {
    const [number, name] = line.split(' ');
    if (number !== undefined && name !== undefined) keywords[Number(number)] = name;
  }
  return keywords;
}

/** The names in a folder; a mailbox nobody delivered to yet is an empty one. */
function listed(folder: string): string[] {
  return unlessMissing(() => readdirSync(folder)) ?? [];
}

function unlessMissing<Value>(read: () => Value): Value | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
