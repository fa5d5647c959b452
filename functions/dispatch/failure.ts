import { EgressError } from '../../shared/egress/egress.ts';

/** Why no response came. `internal` is this machine's fault, not the receiver's. */
export type FailureReason = 'timeout' | 'network' | 'tls' | 'egress' | 'internal';

/** A failed try, in a word and in one line for a person. */
export interface Failure {
  readonly reason: FailureReason;
  readonly message: string;
}

const MAX_MESSAGE_CHARS = 300;

/** This machine is out of files, memory or ports. */
const OWN_CODES = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

const NETWORK_MESSAGES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection closed without an answer',
  EPIPE: 'Connection closed while the request was sent',
  ETIMEDOUT: 'No connection: the host did not answer',
  EHOSTUNREACH: 'No route to the host',
  ENETUNREACH: 'No route to the network',
  ENOTFOUND: 'The host name has no address',
  ENODATA: 'The host name has no address',
  ESERVFAIL: 'The name server failed to answer for the host name',
  EAI_AGAIN: 'The name server did not answer',
  ETIMEOUT: 'The name server did not answer',
  HPE_HEADER_OVERFLOW: 'The headers of the answer are too large',
};

/** Node's codes for a certificate or a handshake that it does not take. */
const TLS_CODE =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH|EPROTO)/;

/** Tells from the error of a connection why there is no response. */
export function failureOf(error: NodeJS.ErrnoException): Failure {
  const code = error.code ?? '';
  if (error instanceof EgressError) return { reason: 'egress', message: error.message };
  if (OWN_CODES.has(code)) return { reason: 'internal', message: `This machine cannot connect: ${code}` };
  if (TLS_CODE.test(code)) return { reason: 'tls', message: `TLS failed: ${tlsReason(error)} (${code})` };
  const known = NETWORK_MESSAGES[code];
  if (known !== undefined) return { reason: 'network', message: `${known} (${code})` };
  const message = code.startsWith('HPE_')
    ? `The answer is not HTTP (${code})`
    : oneLine(error.message || code);
  return { reason: 'network', message };
}

/** The reason in an error of OpenSSL, `…:error:0A00010B:SSL routines:function:wrong version number:file:line:`. */
const OPENSSL_REASON = /:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/i;

function tlsReason(error: Error): string {
  return oneLine(OPENSSL_REASON.exec(error.message)?.[1] ?? error.message);
}

function oneLine(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, MAX_MESSAGE_CHARS);
}
