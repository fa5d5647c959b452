import { isIP, type Socket } from 'node:net';
import Pop3Client from 'node-pop3';
import { canonicalHost } from '../../../../shared/identity.ts';
import type { MailLogin } from '../../../../shared/ports/mail-source.ts';

/** How TLS is spoken with a mail server. */
interface TlsSettings {
  readonly servername: string;
  readonly rejectUnauthorized: boolean;
  readonly minVersion: 'TLSv1.2';
  readonly ca?: string;
}

/** The TLS settings of a login. An IP address is no server name (RFC 6066 section 3); Node warns when it is used as one. */
export function tlsOptionsOf(
  login: Pick<MailLogin, 'host' | 'caPem' | 'tlsAllowInvalidCertificate'>,
): TlsSettings {
  const host = canonicalHost(login.host);
  return {
    servername: isIP(host) === 0 ? host : '',
    rejectUnauthorized: !login.tlsAllowInvalidCertificate,
    minVersion: 'TLSv1.2',
    ...(login.caPem === null ? {} : { ca: login.caPem }),
  };
}

/**
 * Lets node-pop3 dial an address that was resolved and checked before, and takes its socket, which has just begun to
 * connect. The library's own reader truncates and hangs (docs/decisions/0007-pop3-reader.md), so its `data` listeners
 * are dropped before the first byte can arrive; its `error` listener stays and keeps late errors from being uncaught.
 */
export async function dial(login: MailLogin, address: string): Promise<Socket> {
  const client = new Pop3Client({
    user: '',
    password: '',
    host: address,
    port: login.port,
    tls: login.security === 'tls',
    tlsOptions: tlsOptionsOf(login),
  });
  // The library emits `error` for what it cannot assign to a command; unheard, that would end the process.
  client.on('error', () => undefined);
  // Not awaited: it would resolve at a greeting that it no longer sees, and rejects when the socket ends.
  const dialing = client.connect();
  const socket = client._socket;
  if (socket === null) {
    await dialing;
    throw new Error('node-pop3 made no socket');
  }
  dialing.catch(() => undefined);
  socket.removeAllListeners('data');
  return socket;
}
