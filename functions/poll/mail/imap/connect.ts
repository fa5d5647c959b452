import type { Egress } from '../../../../shared/egress/egress.ts';
import { canonicalHost } from '../../../../shared/identity.ts';
import { MailError, type MailLogin } from '../../../../shared/ports/mail-source.ts';
import { type Place, toMailError } from './errors.ts';
import { type ImapDeadlines, MAX_ADDRESSES } from './limits.ts';
import { secretForms } from './server-text.ts';
import { createSession, type ImapSession } from './session.ts';

/**
 * Resolves and checks the host, connects to one of its addresses and logs in. Another address is tried only while none
 * could be connected to: the password goes to one server. Throws MailError.
 */
export async function connectSession(
  egress: Egress,
  login: MailLogin,
  deadlines: ImapDeadlines,
  signal: AbortSignal,
): Promise<ImapSession> {
  const place: Place = {
    host: login.host,
    port: login.port,
    security: login.security,
    secrets: secretForms(login.username, login.password),
  };
  refuseUnsendable(login);
  const startedAt = performance.now();
  const leftMs = () => Math.max(1, deadlines.openMs - (performance.now() - startedAt));
  const addresses = await resolveHost(egress, place, leftMs(), signal);

  let unreachable: unknown = new MailError(
    'network',
    `Cannot log in at ${place.host}: the name has no address`,
  );
  for (const { address } of addresses.slice(0, MAX_ADDRESSES)) {
    const host = canonicalHost(login.host);
    const session = createSession({ login, address, host, place, deadlines, signal });
    try {
      const info = { doing: 'log in', timeoutMs: Math.ceil(leftMs()), phase: 'login' } as const;
      await session.run(info, () => session.client.connect());
      return session;
    } catch (error) {
      await session.close('abort');
      const connected = session.client.connectedAt !== null;
      if (connected || !(error instanceof MailError) || error.code !== 'network') throw error;
      unreachable = error;
    }
    if (signal.aborted) break;
  }
  throw unreachable;
}

/** A line end would let the rest of a value become a command of its own; NUL is in no IMAP string (RFC 9051 section 9). */
function refuseUnsendable({ username, password }: MailLogin): void {
  const refused = /[\r\n\0]/.test(username)
    ? 'the user name has a line break or NUL in it'
    : /[\r\n\0]/.test(password)
      ? 'the password has a line break or NUL in it'
      : username === '' || password === ''
        ? 'the user name or the password is empty'
        : null;
  if (refused !== null) throw new MailError('auth', `Cannot log in: ${refused}; nothing was sent`);
}

async function resolveHost(
  egress: Egress,
  place: Place,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<readonly { readonly address: string }[]> {
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  const onAbort = () =>
    reject(new MailError('network', `The session with ${place.host} was ended from here`));
  const late = `Cannot resolve ${place.host}: the DNS did not answer within ${timeoutMs} ms`;
  const timer = setTimeout(() => reject(new MailError('network', late)), timeoutMs);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([egress.resolve(place.host), interrupted]);
  } catch (error) {
    throw toMailError(error, place, 'login', 'log in');
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
