import { connect as connectTcp, isIP } from 'node:net';
import {
  type ConnectionOptions,
  connect as connectTls,
  type PeerCertificate,
  type TLSSocket,
} from 'node:tls';
import type { ImapTransport, ImapTransportSocket } from 'imapflow';
import type { MailLogin } from '../../../../shared/ports/mail-source.ts';
import { quotable } from './server-text.ts';

/** The server's certificate was not accepted. The message says which one it is, what is wrong and what can be done. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
  readonly code = 'CERTIFICATE_REFUSED';
}

/**
 * Opens imapflow's sockets, to the address that was checked. Certificates are judged here and not inside `tls.connect`,
 * because only an open socket can say whose certificate it is; nothing is sent or read before the judgement.
 */
export function imapTransport(
  address: string,
  host: string,
  login: Pick<MailLogin, 'port' | 'caPem' | 'tlsAllowInvalidCertificate'>,
): ImapTransport {
  const tlsOptions: ConnectionOptions = {
    host: address,
    port: login.port,
    // An IP literal has no SNI (RFC 6066 section 3); the certificate is then checked against the address.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(login.caPem === null ? {} : { ca: login.caPem }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: false,
  };
  const judged = (socket: TLSSocket, accept: () => void): ImapTransportSocket => {
    socket.once('secureConnect', () => {
      if (socket.authorized || login.tlsAllowInvalidCertificate) accept();
      else socket.destroy(certificateError(socket));
    });
    return socket;
  };
  return {
    connect: ({ secure }, onConnect) =>
      secure
        ? judged(connectTls(tlsOptions), onConnect)
        : connectTcp({ host: address, port: login.port }, onConnect),
    upgrade: (socket, _options, onSecure) => judged(connectTls({ ...tlsOptions, socket }), onSecure),
  };
}

const TRUST_ADVICE =
  'pass the certificate of its issuer with --ca-file, or accept any with --tls-allow-invalid-certificate';

/** What OpenSSL's and Node's codes mean, and what to do about it. */
const PROBLEMS: ReadonlyMap<string, readonly [problem: string, advice: string]> = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', ['is self-signed', TRUST_ADVICE]],
  ['SELF_SIGNED_CERT_IN_CHAIN', ['comes from an authority that is not trusted', TRUST_ADVICE]],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', ['has an issuer that is not known', TRUST_ADVICE]],
  ['UNABLE_TO_GET_ISSUER_CERT', ['has an issuer that is not known', TRUST_ADVICE]],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', ['has an issuer that is not known', TRUST_ADVICE]],
  [
    'CERT_HAS_EXPIRED',
    ['has expired', 'have it renewed, or accept any with --tls-allow-invalid-certificate'],
  ],
  ['CERT_NOT_YET_VALID', ['is not valid yet', 'check the clocks of both machines']],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    [
      'is made out for other names',
      'use the name it is made out for as --host, or accept any with --tls-allow-invalid-certificate',
    ],
  ],
]);

function certificateError(socket: TLSSocket): CertificateError {
  const code = String(socket.authorizationError);
  const [problem, advice] = PROBLEMS.get(code) ?? [`is not valid (${code})`, TRUST_ADVICE];
  // The advice first: what is shown of a message has an end.
  return new CertificateError(`the server's certificate ${problem}; ${advice} (${described(socket)})`);
}

function described(socket: TLSSocket): string {
  const { subject, issuer, valid_to, subjectaltname, fingerprint256 } = socket.getPeerCertificate();
  return [
    `subject ${named(subject)}`,
    `issuer ${named(issuer)}`,
    `names ${quotable(subjectaltname ?? 'none', [])}`,
    `valid to ${valid_to}`,
    `SHA-256 ${fingerprint256}`,
  ].join(', ');
}

function named(name: PeerCertificate['subject'] | undefined): string {
  const parts = Object.entries(name ?? {}).map(([key, value]) => `${key}=${[value].flat().join('+')}`);
  return parts.length === 0 ? 'without a name' : `"${quotable(parts.join(', '), [])}"`;
}
