import { afterEach } from 'vitest';
import { POP3_LIMITS, type Pop3Limits } from '../../../../../functions/poll/mail/pop3/limits.ts';
import { openPop3Source } from '../../../../../functions/poll/mail/pop3/pop3-source.ts';
import type { Egress } from '../../../../../shared/egress/egress.ts';
import {
  type Fetched,
  type Listed,
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

/** For tests in which nothing is to run out, however busy the machine. */
export const PATIENT: Pop3Limits = {
  ...POP3_LIMITS,
  connectTimeoutMs: 20_000,
  greetingTimeoutMs: 20_000,
  idleTimeoutMs: 20_000,
  replyTimeoutMs: 20_000,
};

/** For tests that wait for a deadline. */
export const QUICK: Pop3Limits = {
  ...PATIENT,
  greetingTimeoutMs: 300,
  idleTimeoutMs: 300,
  replyTimeoutMs: 500,
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

/** A plain login of `ana` with the password `s3cret`. */
export function loginTo(port: number, change: Partial<MailLogin> = {}): MailLogin {
  return {
    protocol: 'pop3',
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
  change: Partial<MailLogin> & { readonly limits?: Partial<Pop3Limits>; readonly signal?: AbortSignal } = {},
): Promise<MailSource> {
  const { limits, signal, ...login } = change;
  const openSource = openPop3Source(loopback, { ...PATIENT, ...limits });
  const source = await openSource(loginTo(server.port, login), signal ?? new AbortController().signal);
  cleanups.push(() => source.close('abort'));
  return source;
}

/** The steps of a login by USER and PASS at a server that offers these capabilities, or has no CAPA. */
export function loggedIn(
  capabilities: readonly string[] | null = ['USER', 'UIDL', 'TOP', 'PIPELINING'],
): Step[] {
  return [{ send: ['+OK hello\r\n'] }, ...authenticated(capabilities)];
}

/** The same without the greeting. */
export function authenticated(capabilities: readonly string[] | null): Step[] {
  const capa: Step = {
    expect: 'CAPA',
    send: [capabilities ? multiline('', capabilities) : '-ERR what?\r\n'],
  };
  return [
    capa,
    { expect: 'USER ana', send: ['+OK\r\n'] },
    { expect: 'PASS s3cret', send: ['+OK\r\n'] },
    // A server without PIPELINING is asked again after the login.
    ...(capabilities?.includes('PIPELINING') ? [] : [capa]),
  ];
}

/** The steps of a listing; LIST is not answered when `sizes` is null. */
export function listed(uidls: readonly string[], sizes: readonly number[] | null): Step[] {
  const rows = (values: readonly (string | number)[]) =>
    values.map((value, index) => `${index + 1} ${value}`);
  return [
    { expect: 'STAT', send: [`+OK ${uidls.length} 1000\r\n`] },
    { expect: 'UIDL', send: [multiline('', rows(uidls))] },
    ...(sizes ? [{ expect: 'LIST', send: [multiline('', rows(sizes))] }] : []),
  ];
}

/** A multi-line reply in one piece. */
export function multiline(status: string, lines: readonly string[]): string {
  return [`+OK ${status}`, ...lines, '.', ''].join('\r\n');
}

/** A session with a listing of these UIDLs, all of 100 bytes; `steps` follow. */
export async function listedSession(
  uidls: readonly string[],
  steps: readonly Step[],
  options: {
    readonly sizes?: readonly number[];
    readonly capabilities?: readonly string[] | null;
    readonly limits?: Partial<Pop3Limits>;
  } = {},
): Promise<{ server: ScriptedServer; source: MailSource; items: readonly Listed[] }> {
  const sizes = options.sizes ?? uidls.map(() => 100);
  const server = await scripted([...loggedIn(options.capabilities), ...listed(uidls, sizes), ...steps]);
  const source = await open(server, options.limits ? { limits: options.limits } : {});
  const { items } = await source.list('', null);
  return { server, source, items };
}

/** The answer to `RETR 1` in these chunks, fetched. */
export async function fetchOne(
  chunks: readonly Chunk[],
  tls?: TestCertificate,
): Promise<Fetched | undefined> {
  const server = await scripted(
    [
      ...loggedIn(),
      ...listed(['a'], [100]),
      { expect: 'RETR 1', send: chunks },
      { expect: 'QUIT', send: ['+OK\r\n'] },
    ],
    tls,
  );
  const source = await open(server, tls ? { security: 'tls', caPem: tls.caPem } : {});
  const { items } = await source.list('', null);
  const [fetched] = await all(source.fetch(items, { maxSizeBytes: 1_000_000 }));
  // The session goes on only when not one byte too many or too few was taken for the message.
  if ((await source.close('commit')) !== 'ok') throw new Error('the session did not end in order');
  return fetched;
}

/** Everything that comes. */
export async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** The MailError that this ends with. */
export async function mailError(work: Promise<unknown>): Promise<MailError> {
  const error = await work.then(
    (value) => new Error(`It did not fail but gave ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof MailError) return error;
  throw error;
}
