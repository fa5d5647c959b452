import { MailError } from '../../../../shared/ports/mail-source.ts';

const MAX_TEXT_LENGTH = 200;

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused; check host and port',
  ECONNRESET: 'the server reset the connection',
  EPIPE: 'the server closed the connection',
  ETIMEDOUT: 'the host does not answer',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'the network cannot be reached',
  ENOTFOUND: 'no such host; check its spelling',
  ENODATA: 'the host has no address; check its spelling',
  EAI_AGAIN: 'the name could not be resolved this time',
};

/** Codes of Node and OpenSSL for a certificate that is not trusted, expired or of another host. */
const CERTIFICATE =
  /^(?:CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|PATH_LENGTH|ERR_TLS_CERT)/;

/** Where a TLS handshake stands in a session: at its very start, or after STLS. */
export type Handshake = 'at-once' | 'after-stls';

/** What to try when no handshake came about. */
const HANDSHAKE_ADVICE: Readonly<Record<Handshake, string>> = {
  'at-once': 'if the port does not expect TLS from the start, try --security starttls, or port 995',
  'after-stls': 'it offers TLS and cannot do it: see its log, its certificate and key first of all',
};

/**
 * What a failed socket means: `tls` when the certificate or the handshake is at fault, with what to try; `network` for
 * the rest. `doing` continues "Cannot …", for example `connect to "pop.example.com:995"`; `handshake` is null when none
 * was under way.
 */
export function connectionFailure(error: unknown, doing: string, handshake: Handshake | null): MailError {
  const code = codeOf(error);
  if (CERTIFICATE.test(code)) {
    const advice =
      'pass the certificate of its issuer with --ca-file, or accept any with --tls-allow-invalid-certificate';
    // Behind the semicolon Node gives advice of its own, about options of Node.
    const [problem = ''] = oneLine(messageOf(error)).split(';');
    return new MailError(
      'tls',
      `Cannot ${doing}: the server's certificate is refused (${problem}); ${advice}`,
      {
        cause: error,
      },
    );
  }
  if (/^ERR_SSL_|^EPROTO$|^ERR_TLS_/.test(code)) {
    const advice = handshake === null ? 'the encrypted stream is damaged' : HANDSHAKE_ADVICE[handshake];
    return new MailError('tls', `Cannot ${doing}: TLS failed (${code}); ${advice}`, { cause: error });
  }
  if (handshake !== null && (code === 'ECONNRESET' || code === 'EPIPE')) {
    const advice = HANDSHAKE_ADVICE[handshake];
    return new MailError('tls', `Cannot ${doing}: the server ended the TLS handshake; ${advice}`, {
      cause: error,
    });
  }
  const reason = REASONS[code] ?? oneLine(messageOf(error));
  return new MailError('network', `Cannot ${doing}: ${reason}`, { cause: error });
}

/** Text of a server as it may stand in a message: control characters are blanks, at most 200 characters. */
export function oneLine(text: string): string {
  const flat = text.replace(/[\p{C}\s]+/gu, ' ').trim();
  return flat.length > MAX_TEXT_LENGTH ? `${flat.slice(0, MAX_TEXT_LENGTH)}…` : flat;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
