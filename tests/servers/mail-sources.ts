import { createHash } from 'node:crypto';
import { openImapSource } from '../../functions/poll/mail/imap/imap-source.ts';
import { openPop3Source } from '../../functions/poll/mail/pop3/pop3-source.ts';
import type { Security, ServerAction } from '../../shared/account.ts';
import { createEgress } from '../../shared/egress/create-egress.ts';
import type { Protocol } from '../../shared/identity.ts';
import {
  type Action,
  type Fetched,
  type Listed,
  MailError,
  type MailLogin,
  type MailSource,
} from '../../shared/ports/mail-source.ts';
import type { Dovecot } from '../support/dovecot.ts';

/** Longer than any session here takes, shorter than a test may. */
const SESSION_DEADLINE_MS = 100_000;

const egress = createEgress({ policy: 'private-ok' });
const openers = { imap: openImapSource(egress), pop3: openPop3Source(egress) };

interface LoginOptions {
  readonly protocol: Protocol;
  readonly security?: Security;
  readonly user?: string;
  readonly password?: string;
  readonly readOnly?: boolean;
  /** Instead of the server's own port: that of a proxy. */
  readonly port?: number;
}

/** What it takes to log in at a test server. @default user `ana`, password `secret`, security `none` */
export function loginAt(dovecot: Dovecot, options: LoginOptions): MailLogin {
  const { protocol, security = 'none' } = options;
  const ports = protocol === 'imap' ? ['imap', 'imaps'] : ['pop3', 'pop3s'];
  const listener = (security === 'tls' ? ports[1] : ports[0]) as keyof Dovecot['ports'];
  return {
    protocol,
    host: 'localhost',
    port: options.port ?? dovecot.ports[listener],
    security,
    username: options.user ?? 'ana',
    password: options.password ?? 'secret',
    caPem: dovecot.caPem,
    tlsAllowInvalidCertificate: false,
    readOnly: options.readOnly ?? false,
  };
}

/** Opens a session; it ends by itself when a test hangs. */
export function openSource(login: MailLogin): Promise<MailSource> {
  return openers[login.protocol](login, AbortSignal.timeout(SESSION_DEADLINE_MS));
}

/** Opens a session, uses it, and ends it as `how` says. */
export async function withSource<Result>(
  login: MailLogin,
  use: (source: MailSource) => Promise<Result>,
  how: 'commit' | 'abort' = 'commit',
): Promise<Result> {
  const source = await openSource(login);
  try {
    return await use(source);
  } finally {
    await source.close(how);
  }
}

/** Opens and ends a session, and resolves to the code it failed with; null when it did not. */
export async function failureOf(login: MailLogin): Promise<{ code: string; message: string } | null> {
  try {
    await withSource(login, (source) => source.list(login.protocol === 'imap' ? 'INBOX' : '', null));
    return null;
  } catch (error) {
    if (error instanceof MailError) return { code: error.code, message: error.message };
    throw error;
  }
}

/** All that a fetch gives. @default at most 64 MiB a message */
export async function fetchAll(
  source: MailSource,
  items: readonly Listed[],
  maxSizeBytes = 64 * 1024 * 1024,
): Promise<Fetched[]> {
  const fetched: Fetched[] = [];
  for await (const one of source.fetch(items, { maxSizeBytes })) fetched.push(one);
  return fetched;
}

/** What was fetched, in short: the hash of the bytes of a whole message, else the kind. Two lists of these compare well. */
export function fetchedDigest(fetched: Fetched): string {
  return fetched.kind === 'raw' ? digestOf(fetched.bytes) : fetched.kind;
}

/** The hex SHA-256 of bytes; of no bytes, a word that no hash is. */
export function digestOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? 'none' : createHash('sha256').update(bytes).digest('hex');
}

/** The header section of a mail with the empty line behind it, one character a byte. */
export function headerOf(mail: Buffer): string {
  return mail.subarray(0, mail.indexOf('\r\n\r\n') + 4).toString('latin1');
}

/** Something to do to a listed message. Throws when there is none. */
export function actionOn(item: Listed | undefined, action: ServerAction): Action {
  if (item === undefined) throw new Error('Cannot act on a message that was not listed');
  const { source } = item;
  return { key: source.protocol === 'imap' ? String(source.uid) : source.uidl, source, action };
}

/** The UID of a listed message; 0 when it has none. */
export function uidOf(item: Listed): number {
  return item.source.protocol === 'imap' ? item.source.uid : 0;
}

/** The UIDVALIDITY of a listed message; empty when it has none. */
export function validityOf(item: Listed | undefined): string {
  return item?.source.protocol === 'imap' ? item.source.uidValidity : '';
}
