import { MailError, type MailLogin } from '../../../../shared/ports/mail-source.ts';
import { parseCapabilities } from './capabilities.ts';
import type { Connection } from './connection.ts';
import { type Command, lineCommand, type Pop3Session } from './pop3-session.ts';

const CAPA: Command = {
  line: 'CAPA',
  name: 'CAPA',
  body: { keepBytes: 64 * 1024, drainBytes: 0 },
  weightBytes: 1_024,
};

/**
 * Refuses a user name or password that would end its command's line early, so that the rest were a command of its own.
 * Throws MailError `auth`, without the value.
 */
export function checkCredentials(login: Pick<MailLogin, 'username' | 'password'>): void {
  for (const [what, value] of [
    ['user name', login.username],
    ['password', login.password],
  ] as const) {
    if (/[\r\n\0]/.test(value)) {
      throw new MailError('auth', `Cannot log in: the ${what} holds a line break or a NUL; set it anew`);
    }
  }
}

/** What must never be shown of a login: the password, and the form in which AUTH PLAIN sends it. */
export function secretsOf(login: Pick<MailLogin, 'username' | 'password'>): string[] {
  return [login.password, plainToken(login)];
}

/**
 * From the greeting to the TRANSACTION state: STLS where it is wanted (never skipped), CAPA, UTF8 where it is offered,
 * then USER and PASS, or AUTH PLAIN where only that is offered. Throws MailError.
 */
export async function logIn(
  session: Pop3Session,
  connection: Connection,
  login: MailLogin,
  signal: AbortSignal,
): Promise<void> {
  await greet(session, login);
  if (login.security === 'starttls') await startTls(session, connection, login, signal);
  await askCapabilities(session);
  const utf8 = await switchToUtf8(session);
  await authenticate(session, login);
  // Some servers have CAPA, or all of it, only now (RFC 2449 section 5 allows differences).
  if (!session.capabilities.pipelining) {
    await askCapabilities(session);
    if (!utf8) await switchToUtf8(session);
  }
}

async function greet(session: Pop3Session, login: MailLogin): Promise<void> {
  try {
    await session.greeting();
  } catch (error) {
    if (!(error instanceof MailError) || error.code !== 'network') throw error;
    // Courier, which takes four connections from one address unless told otherwise, closes a fifth without a word.
    const crowded = 'the server may have too many connections from this address';
    if (login.security === 'tls')
      throw new MailError('network', `${error.message}; ${crowded}`, { cause: error });
    // A port that expects TLS from the start waits in silence for the client to begin.
    const code = login.port === 995 ? 'tls' : 'network';
    const advice = 'or, if the port expects TLS from the start (as 995 does), try --security tls';
    throw new MailError(code, `${error.message}; ${crowded}; ${advice}`, { cause: error });
  }
}

async function startTls(
  session: Pop3Session,
  connection: Connection,
  login: MailLogin,
  signal: AbortSignal,
): Promise<void> {
  const { reply } = await session.command(lineCommand('STLS'));
  if (reply.kind !== 'ok') {
    const advice = 'try --security tls with port 995';
    const said = reply.text === '' ? 'the server refuses it' : `the server says "${reply.text}"`;
    throw new MailError('tls', `Cannot start TLS with "${session.peer}": ${said}; ${advice}`);
  }
  await connection.startTls(login, session.limits, signal);
  session.encrypted = true;
}

/** What was learnt before TLS, or before the login, is replaced (RFC 2595 section 4); a -ERR leaves what is known. */
async function askCapabilities(session: Pop3Session): Promise<void> {
  const { reply, body } = await session.command(CAPA);
  if (reply.kind === 'ok' && body) session.capabilities = parseCapabilities(body.bytes.toString('latin1'));
}

/**
 * RFC 6856 section 2: without it some servers replace a mail with raw 8-bit headers by an error mail of their own. One
 * that offers and refuses it is used as before.
 */
async function switchToUtf8(session: Pop3Session): Promise<boolean> {
  if (!session.capabilities.utf8) return false;
  const { reply } = await session.command(lineCommand('UTF8'));
  return reply.kind === 'ok';
}

async function authenticate(session: Pop3Session, login: MailLogin): Promise<void> {
  const { known, user, saslPlain, stls } = session.capabilities;
  const doing = `log in to "${session.peer}"`;
  if (known && !user && saslPlain) {
    await authPlain(session, login, doing);
    return;
  }
  if (known && !user && stls && !session.encrypted) {
    // RFC 2595 section 2.1: such a server wants no password on an open line, so it gets none.
    throw new MailError('tls', `Cannot ${doing}: it takes passwords only over TLS; try --security starttls`);
  }
  const named = await session.command(lineCommand(`USER ${login.username}`, 'the user name'));
  if (named.reply.kind === 'err') throw session.refusal(named.reply, doing, 'user');
  if (named.reply.kind === 'continue') throw notExpected(doing, named.reply.text);
  await finish(session, lineCommand(`PASS ${login.password}`, 'the password'), doing);
}

/** RFC 4616 by RFC 5034, in two steps: a line with the token in it may be longer than the 255 octets allowed. */
async function authPlain(session: Pop3Session, login: MailLogin, doing: string): Promise<void> {
  const { reply } = await session.command(lineCommand('AUTH PLAIN'));
  if (reply.kind === 'err') throw session.refusal(reply, doing, 'password');
  if (reply.kind === 'ok') throw notExpected(doing, reply.text);
  await finish(session, lineCommand(plainToken(login), 'the login'), doing);
}

async function finish(session: Pop3Session, command: Command, doing: string): Promise<void> {
  const { reply } = await session.command(command);
  if (reply.kind === 'err') throw session.refusal(reply, doing, 'password');
  // A `+ ` asks for more, it does not let us in.
  if (reply.kind === 'continue') throw notExpected(doing, reply.text);
}

function notExpected(doing: string, text: string): MailError {
  return new MailError('protocol', `Cannot ${doing}: the server sent "${text}" where +OK or -ERR belongs`);
}

function plainToken(login: Pick<MailLogin, 'username' | 'password'>): string {
  return Buffer.from(`\0${login.username}\0${login.password}`, 'utf8').toString('base64');
}
