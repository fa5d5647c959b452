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
import {
  type Chunk,
  type ScriptedServer,
  type Step,
  startScriptedServer,
} from '../../../../support/scripted-server.ts';
import type { TestCertificate } from '../../../../support/tls-certificate.ts';

/** Takes every host for 127.0.0.1. */
export const loopback: Egress = {
  checkUrl: (url) => new URL(url),
  checkHost: () => undefined,
  resolve: async () => [{ address: '127.0.0.1', family: 4 }],
  lookup: (_host, _options, done) => done(null, '127.0.0.1', 4),
};

/** Deadlines that a test can wait for. */
export const QUICK: ImapDeadlines = {
  ...DEFAULT_DEADLINES,
  connectMs: 1_000,
  greetingMs: 150,
  openMs: 2_000,
  commandMs: 300,
  perListedMessageMs: 1,
  logoutMs: 150,
};

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
export function loginTo(port: number, change: Partial<MailLogin> = {}): MailLogin {
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
    readonly deadlines?: Partial<ImapDeadlines>;
    readonly signal?: AbortSignal;
    readonly egress?: Egress;
  } = {},
): Promise<MailSource> {
  const { deadlines, signal, egress = loopback, ...login } = change;
  const openSource = openImapSource(egress, { ...QUICK, ...deadlines });
  const source = await openSource(loginTo(server.port, login), signal ?? new AbortController().signal);
  cleanups.push(() => source.close('abort'));
  return source;
}

/** One answered command: a pattern behind the tag, untagged lines (or bytes as they are), the completion. */
export function answer(
  pattern: string,
  untagged: readonly Chunk[] = [],
  completion: string | null = 'OK Done',
): Step {
  return {
    expect: new RegExp(`^(\\w+) ${pattern}$`),
    send: ([, tag]) => {
      const lines = untagged.map((one) =>
        typeof one === 'string' ? Buffer.from(`${one}\r\n`) : Buffer.from(one),
      );
      const end = completion === null ? '' : `${tag} ${completion}\r\n`;
      return [Buffer.concat([...lines, Buffer.from(end)])].filter(({ length }) => length > 0);
    },
  };
}

/** The steps of a greeting and a login; `capabilities` are offered besides IMAP4rev1. */
export function loggedIn(capabilities = ''): Step[] {
  const all = `IMAP4rev1 ${capabilities}`.trim();
  return [
    { send: ['* OK Ready\r\n'] },
    answer('CAPABILITY', [`* CAPABILITY ${all}`]),
    answer('LOGIN .*', [], `OK [CAPABILITY ${all}] Logged in`),
    answer('LIST "" ""', ['* LIST (\\Noselect) "/" ""']),
  ];
}

/** The steps of opening INBOX; null leaves a line out. */
export function opened(
  box: {
    readonly exists?: number | null;
    readonly uidNext?: number | null;
    readonly uidValidity?: number | null;
    readonly more?: readonly string[];
    readonly completion?: string;
  } = {},
): Step[] {
  const { exists = 3, uidNext = 4, uidValidity = 7, more = [], completion = 'OK [READ-WRITE] Opened' } = box;
  return [
    answer('LIST "" "?INBOX"?', ['* LIST () "/" INBOX']),
    answer('LSUB "" "?INBOX"?'),
    answer(
      '(?:SELECT|EXAMINE) "?INBOX"?',
      [
        exists === null ? [] : [`* ${exists} EXISTS`],
        uidNext === null ? [] : [`* OK [UIDNEXT ${uidNext}] Next`],
        uidValidity === null ? [] : [`* OK [UIDVALIDITY ${uidValidity}] Valid`],
        more,
      ].flat(),
      completion,
    ),
  ];
}

/** A row of a listing. */
export function listRow(uid: number, size = 100, seq = uid): string {
  return `* ${seq} FETCH (UID ${uid} FLAGS () INTERNALDATE "01-Jan-2026 10:00:00 +0000" RFC822.SIZE ${size})`;
}

/** A row with a body. */
export function bodyRow(uid: number, body: string | Uint8Array, seq = uid): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([
    Buffer.from(`* ${seq} FETCH (UID ${uid} BODY[]<0> {${bytes.length}}\r\n`),
    bytes,
    Buffer.from(')\r\n'),
  ]);
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
export function uidOf({ source }: Pick<Listed, 'source'>): number {
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
  try {
    await work;
  } catch (error) {
    if (error instanceof MailError) return error;
    throw error;
  }
  throw new Error('The work was expected to fail and did not');
}
