import type { MailErrorCode, Security } from '../../../../shared/account.ts';
import { EgressError } from '../../../../shared/egress/egress.ts';
import { MailError } from '../../../../shared/ports/mail-source.ts';
import { CLOSED_CODES, type Failure, failureOf, isOverflow, type Phase, type Verdict } from './failure.ts';
import { quotable } from './server-text.ts';
import { CertificateError } from './transport.ts';

/** Where a session goes, for its error messages. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly security: Security;
  /** Texts that must not appear in a message; see `secretForms`. */
  readonly secrets: readonly string[];
}

/** The port of implicit TLS (RFC 8314). */
const IMAPS_PORT = 993;

/**
 * RFC 5530 and others: what the server's response code means. It comes before everything else: imapflow's
 * `authenticationFailed` is true for any refused login, "too many connections" included.
 */
const BY_RESPONSE_CODE: ReadonlyMap<string, MailErrorCode> = new Map([
  ['AUTHENTICATIONFAILED', 'auth'],
  ['AUTHORIZATIONFAILED', 'auth'],
  ['EXPIRED', 'auth'],
  ['WEBALERT', 'auth'],
  ['PRIVACYREQUIRED', 'tls'],
  ['LIMIT', 'rate'],
  ['OVERQUOTA', 'rate'],
  ['THROTTLED', 'rate'],
  ['UNAVAILABLE', 'busy'],
  ['INUSE', 'busy'],
  ['NONEXISTENT', 'mailbox'],
  ['NOPERM', 'mailbox'],
]);

/** Servers that give no code, or only ALERT, say it in words. */
const BY_TEXT: readonly (readonly [pattern: RegExp, code: MailErrorCode])[] = [
  [/too many|simultaneous|connection limit|rate limit|throttl|bandwidth|exceeded/i, 'rate'],
  [
    /temporar|try again|\blater\b|unavailable|\bbusy\b|\blocked\b|not connected|maintenance|shutting down/i,
    'busy',
  ],
];

/** Of a login or a mailbox this is an outage; of a FETCH it can be the one message. */
const SERVER_TROUBLE = /internal error|server error|serverbug/i;

const WANTS_TLS = /starttls|\bssl\b|\btls\b|encrypt|secure connection/i;
const NAMES_CREDENTIALS = /authenticat|log-?in|password|credential|user ?name|user unknown|invalid user/i;

const NETWORK_REASONS: ReadonlyMap<string, string> = new Map([
  ['ENOTFOUND', 'the name does not exist in the DNS (ENOTFOUND); check the host'],
  ['EAI_AGAIN', 'the DNS does not answer (EAI_AGAIN)'],
  ['ECONNREFUSED', 'nothing listens there (ECONNREFUSED); check host and port'],
  ['CONNECT_TIMEOUT', 'the connection was not made in time; check host, port and firewall'],
  ['ETIMEDOUT', 'the server did not answer in time (ETIMEDOUT)'],
  // c-ares and imapflow spell it so.
  ['ETIMEOUT', 'the server did not answer in time (ETIMEOUT)'],
  ['EHOSTUNREACH', 'there is no way to the host (EHOSTUNREACH)'],
  ['ENETUNREACH', 'there is no way to the network (ENETUNREACH)'],
  ['ECONNRESET', 'the connection was reset (ECONNRESET)'],
  ['EPIPE', 'the connection is broken (EPIPE)'],
]);

const NO_TLS_CODES = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_UNEXPECTED_MESSAGE',
]);

/** Tells what failed, by the server's response code and the socket's error. `doing` completes "Cannot …". */
export function toMailError(error: unknown, place: Place, phase: Phase, doing: string): MailError {
  if (error instanceof MailError) return error;
  const verdict = trusted(error) ?? verdictOn(failureOf(error), place, phase);
  return mailError(verdict, place, doing, error);
}

/** The same for a failure that was read already. */
export function failureToMailError(failure: Failure, place: Place, phase: Phase, doing: string): MailError {
  return mailError(verdictOn(failure, place, phase), place, doing, undefined);
}

function verdictOn(failure: Failure, place: Place, phase: Phase): Verdict {
  return (
    throttled(failure) ??
    refusal(failure, phase, place) ??
    farewell(failure, phase, place) ??
    tlsFailure(failure, place) ??
    networkFailure(failure, place) ??
    brokenProtocol(failure, place)
  );
}

function mailError(
  { code, reason, retryAfterMs }: Verdict,
  place: Place,
  doing: string,
  cause: unknown,
): MailError {
  return new MailError(code, `Cannot ${doing} at ${place.host}:${place.port}: ${reason}`, {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    cause,
  });
}

/** Errors of our own making: their text is safe. */
function trusted(error: unknown): Verdict | null {
  if (error instanceof EgressError) return { code: 'egress', reason: error.message };
  return error instanceof CertificateError ? { code: 'tls', reason: error.message } : null;
}

/** Exchange Online: `BAD Request is throttled. Suggested Backoff Time: 201317 milliseconds`. */
function throttled(failure: Failure): Verdict | null {
  if (failure.code !== 'ETHROTTLE') return null;
  const ms = failure.throttleMs;
  return ms === null
    ? { code: 'rate', reason: 'the server throttles requests' }
    : { code: 'rate', reason: `the server throttles requests and asks to wait ${ms} ms`, retryAfterMs: ms };
}

/** A command answered with NO or BAD, or a login that could not even be tried. */
function refusal(failure: Failure, phase: Phase, place: Place): Verdict | null {
  if (failure.status === null && !failure.loginRefused) return null;
  const text = quotable(failure.text || failure.message, place.secrets);
  const code = refusalCode(failure, phase, place);
  const said =
    failure.responseCode === null
      ? `"${text}"`
      : `[${quotable(failure.responseCode, place.secrets)}] "${text}"`;
  switch (code) {
    case 'auth':
      return { code, reason: `the server refused the user name or password: ${said}` };
    case 'tls':
      return {
        code,
        reason: `the server wants an encrypted connection: ${said}; use --security tls or starttls`,
      };
    case 'rate':
      return { code, reason: `the server limits connections or requests: ${said}` };
    case 'busy':
      return { code, reason: `the server asks to come back later: ${said}` };
    default:
      return { code, reason: `the server answered ${failure.status ?? 'NO'} ${said}` };
  }
}

function refusalCode(failure: Failure, phase: Phase, place: Place): MailErrorCode {
  const byCode = BY_RESPONSE_CODE.get(failure.responseCode ?? '');
  if (byCode !== undefined) return byCode;
  const text = failure.text || failure.message;
  if (
    phase === 'login' &&
    place.security === 'none' &&
    (WANTS_TLS.test(text) || /login is disabled/i.test(text))
  ) {
    return 'tls';
  }
  const byText = BY_TEXT.find(([pattern]) => pattern.test(text))?.[1];
  if (byText !== undefined) return byText;
  if (phase !== 'command' && SERVER_TROUBLE.test(`${failure.responseCode} ${text}`)) return 'busy';
  if (phase === 'mailbox') return 'mailbox';
  if (phase !== 'login') return 'protocol';
  // BAD is for commands that were not understood, but some servers answer wrong passwords with it.
  return failure.status !== 'BAD' || NAMES_CREDENTIALS.test(text) ? 'auth' : 'protocol';
}

/** The server said BYE, mostly because it has too many sessions or is going down. */
function farewell(failure: Failure, phase: Phase, place: Place): Verdict | null {
  if (failure.bye === null) return null;
  const said = quotable(failure.bye, place.secrets);
  const byText = BY_TEXT.find(([pattern]) => pattern.test(failure.bye ?? ''))?.[1];
  const code =
    byText ??
    (phase === 'login' && /invalid|incorrect|authentication fail|login fail/i.test(failure.bye)
      ? 'auth'
      : 'busy');
  return { code, reason: `the server ended the session: "${said}"` };
}

function tlsFailure(failure: Failure, place: Place): Verdict | null {
  const { code, message } = failure;
  if (NO_TLS_CODES.has(code)) {
    return {
      code: 'tls',
      reason: `the port does not speak TLS (${code}); use --security starttls (mostly port 143), or the TLS port, mostly ${IMAPS_PORT}`,
    };
  }
  if (/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE/.test(code)) {
    return { code: 'tls', reason: `the server offers no TLS 1.2 or newer (${code})` };
  }
  if (/does not support STARTTLS/i.test(message)) {
    return {
      code: 'tls',
      reason: `the server does not offer STARTTLS, so the password was not sent; use --security tls (mostly port ${IMAPS_PORT})`,
    };
  }
  if (failure.tlsFailed || /^ERR_(SSL|TLS)_|^EPROTO$|STARTTLS_INJECTION|UPGRADE_TIMEOUT/.test(code)) {
    return { code: 'tls', reason: `TLS failed: "${quotable(message, place.secrets)}"` };
  }
  if (/before secure TLS connection/i.test(message)) {
    return {
      code: 'tls',
      reason: `the server closed the connection during the TLS handshake; if the port does not speak TLS, use --security starttls`,
    };
  }
  return null;
}

function networkFailure(failure: Failure, place: Place): Verdict | null {
  const { code } = failure;
  const hint =
    place.security === 'tls'
      ? ''
      : place.port === IMAPS_PORT
        ? `; port ${IMAPS_PORT} is for --security tls`
        : '; if the port is for TLS, use --security tls';
  if (code === 'GREETING_TIMEOUT')
    return {
      code: 'network',
      reason: `the server sent no IMAP greeting in time${hint}; if it speaks POP3, use --protocol pop3`,
    };
  if (code.startsWith('ClosedAfterConnect')) {
    // Courier does so above MAXPERIP, without a word.
    const crowded = 'it may have too many connections from this address';
    const reason = `the server closed the connection before the login was done; ${crowded}${hint}`;
    return { code: 'network', reason };
  }
  if (CLOSED_CODES.has(code)) return { code: 'network', reason: 'the server closed the connection' };
  const reason = NETWORK_REASONS.get(code);
  if (reason !== undefined) return { code: 'network', reason };
  return failure.isSystemError ? { code: 'network', reason: `the connection failed (${code})` } : null;
}

function brokenProtocol(failure: Failure, place: Place): Verdict {
  const text = quotable(failure.message, place.secrets);
  return isOverflow(failure)
    ? { code: 'protocol', reason: `the server sent more than is taken at once: "${text}"` }
    : { code: 'protocol', reason: `the session broke: "${text}"` };
}
