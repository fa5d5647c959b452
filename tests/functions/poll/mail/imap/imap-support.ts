import { afterEach } from 'vitest';
import { openImapSource } from '../../../../../functions/poll/mail/imap/imap-source.ts';
import { DEFAULT_DEADLINES, type ImapDeadlines } from '../../../../../functions/poll/mail/imap/limits.ts';
import {
  type ImapServer,
  type ImapServerOptions,
  startImapServer,
} from '../../../../../local/demo/imap-server.ts';
import type { Egress } from '../../../../../shared/egress/egress.ts';
import {
  type Fetched,
  type ImapCursor,
  type Listed,
  type Listing,
  MailError,
  type MailLogin,
  type MailSource,
} from '../../../../../shared/ports/mail-source.ts';
import { type ScriptedServer, type Step, startScriptedServer } from '../../../../support/scripted-server.ts';
import type { TestCertificate } from '../../../../support/tls-certificate.ts';

/** Takes every host for 127.0.0.1. */
export const loopback: Egress = {
  checkUrl: (url) => new URL(url),
  checkHost: () => undefined,
  resolve: async () => [{ address: '127.0.0.1', family: 4 }],
  lookup: (_host, _options, done) => done(null, '127.0.0.1', 4),
};

/** Deadlines that a busy machine keeps. A test about one makes it short, at the start or when its time has come. */
export function patience(change: Partial<ImapDeadlines> = {}): {
  -readonly [Key in keyof ImapDeadlines]: ImapDeadlines[Key];
} {
  return { ...DEFAULT_DEADLINES, ...change };
}

const cleanups: (() => Promise<unknown>)[] = [];

/** Ends what a test began: sessions first, then servers. To be called once in each file that uses these helpers. */
export function cleanUpAfterEach(): void {
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
}

/** A scripted server that ends with the test. */
export async function scripted(
  steps: readonly Step[] | readonly (readonly Step[])[],
  tls?: TestCertificate,
): Promise<ScriptedServer> {
  const server = await startScriptedServer(steps, tls ? { tls } : {});
  cleanups.push(() => server.close());
  return server;
}

/** The in-memory server with the user `ana`, until the end of the test. */
export async function served(
  user: Partial<ImapServerOptions['users'][string]> = {},
  options: Omit<ImapServerOptions, 'users'> = {},
): Promise<ImapServer> {
  const server = await startImapServer({ ...options, users: { ana: { password: 's3cret', ...user } } });
  cleanups.push(() => server.close());
  return server;
}

/** A plain login of `ana` with the password `s3cret`. */
function loginTo(port: number, change: Partial<MailLogin> = {}): MailLogin {
  return {
    protocol: 'imap',
    host: 'localhost',
    port,
    security: 'none',
    username: 'ana',
    password: 's3cret',
    caPem: null,
    tlsAllowInvalidCertificate: false,
    readOnly: false,
    ...change,
  };
}

/** Opens a session that ends with the test. */
export async function open(
  server: { readonly port: number },
  change: Partial<MailLogin> & {
    readonly deadlines?: ImapDeadlines;
    readonly signal?: AbortSignal;
    readonly egress?: Egress;
  } = {},
): Promise<MailSource> {
  const { deadlines = DEFAULT_DEADLINES, signal, egress = loopback, ...login } = change;
  const openSource = openImapSource(egress, deadlines);
  const source = await openSource(loginTo(server.port, login), signal ?? new AbortController().signal);
  cleanups.push(() => source.close('abort'));
  return source;
}

/** A message as INBOX under UIDVALIDITY 7 would list it. */
export function item(uid: number, change: Partial<Listed> = {}): Listed {
  return {
    source: { protocol: 'imap', mailbox: 'INBOX', uidValidity: '7', uid },
    sizeBytes: 100,
    internalDate: '2026-01-01T10:00:00.000Z',
    flags: [],
    labels: [],
    backfill: false,
    ...change,
  };
}

/** A cursor of INBOX under UIDVALIDITY 7. */
export function cursor(change: Partial<ImapCursor> = {}): ImapCursor {
  return {
    protocol: 'imap',
    mailbox: 'INBOX',
    uidValidity: '7',
    lastUid: 3,
    recent: [1, 2, 3],
    uidNext: 4,
    exists: 3,
    mailboxId: null,
    backfill: null,
    ...change,
  };
}

/** A small mail that differs by its number. */
export function mail(number: number, body = `Body ${number}`): Buffer {
  return Buffer.from(`Message-ID: <${number}@example.com>\r\nSubject: Mail ${number}\r\n\r\n${body}\r\n`);
}

/** The UIDs of a listing in its order. */
export function uidsOf({ items }: Pick<Listing, 'items'>): number[] {
  return items.map(uidOf);
}

/** The UID of a listed message. */
function uidOf({ source }: Pick<Listed, 'source'>): number {
  return source.protocol === 'imap' ? source.uid : 0;
}

/** All items, once there are no more. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What was fetched in short: `raw 1 <text>`, `gone 2`. */
export function brief(fetched: Fetched): string {
  const uid = uidOf(fetched.item);
  return fetched.kind === 'raw' ? `raw ${uid} ${fetched.bytes.toString('latin1')}` : `${fetched.kind} ${uid}`;
}

/** The MailError that the work ends with; anything else fails the test. */
export async function mailError(work: Promise<unknown>): Promise<MailError> {
  const error: unknown = await work.then(
    () => new Error('The work was expected to fail and did not'),
    (reason: unknown) => reason,
  );
  if (error instanceof MailError) return error;
  throw error;
}
