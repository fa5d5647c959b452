import type { MailErrorCode } from '../../../../shared/account.ts';
import { MailError } from '../../../../shared/ports/mail-source.ts';
import { oneLine } from './connection-failure.ts';

/** A status line. `continue` is the `+ ` of a SASL exchange (RFC 5034 section 4), which is no success. */
export type Reply =
  | { readonly kind: 'ok'; readonly text: string }
  | { readonly kind: 'continue'; readonly text: string }
  /** `code` is the response code in capitals (RFC 2449 section 8), `SYS/TEMP` for example; null when there is none. */
  | { readonly kind: 'err'; readonly code: string | null; readonly text: string };

/** What was asked, as far as it decides what a refusal means. */
export type Stage = 'greeting' | 'user' | 'password' | 'command';

const MAX_HINT_MS = 24 * 3_600_000;
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Servers without response codes say it in words; each pattern was made from their sources' texts. */
const TOO_MANY =
  /too many|throttl|rate.?limit|limit (?:was |is )?(?:exceeded|reached)|max\w* .{0,20}(?:connections|sessions|logins)|exceed\w* .{0,30}(?:connection|login|session)/i;
const LOCKED =
  /(?:mail ?box|mail ?drop|spool|folder|pop3?|file).{0,30}\block|\block.{0,30}(?:mail|busy|file|held)|locked by|\bin use\b|\bbusy\b|already (?:open|logged|connected|active)|another .{0,20}(?:session|client|connection|process)|being (?:accessed|used)|login.?delay|too (?:soon|often|frequent)/i;
const TEMPORARY =
  /temporar|try .{0,20}(?:again|later)|unavailable|not available|(?:internal|server|system) error|maintenance|overload|timed? ?out/i;
const WANTS_TLS = /\b(?:tls|ssl|stls|secure|encrypt\w*|plain-?text|clear-?text)\b/i;

/** Reads a status line, decoded as ISO 8859-1; null when it is none. Its text is UTF-8 (RFC 6856 section 2). */
export function parseReply(line: string): Reply | null {
  const text = (from: number) => oneLine(Buffer.from(line.slice(from), 'latin1').toString('utf8'));
  if (line.startsWith('+OK')) return { kind: 'ok', text: text(3) };
  if (line.startsWith('+')) return { kind: 'continue', text: text(1) };
  if (!line.startsWith('-')) return null;
  const said = text(/^-ERR/i.test(line) ? 4 : 1);
  const code = /^\[([A-Za-z][\w./-]{0,60})\]/.exec(said)?.[1]?.toUpperCase() ?? null;
  return { kind: 'err', code, text: said };
}

/** What a refusal is about. */
interface Refusal {
  /** Continues "Cannot …". */
  readonly doing: string;
  readonly stage: Stage;
  readonly encrypted: boolean;
  /** LOGIN-DELAY of the server's CAPA; null when it stated none. */
  readonly loginDelayMs: number | null;
}

/**
 * The error that a -ERR means (RFC 2449 section 8, RFC 3206): a response code decides, without one the wording. Only
 * `[AUTH]`, or a refusal of the password that names no other reason, says that the credentials are wrong.
 */
export function refusalError(reply: Extract<Reply, { kind: 'err' }>, refusal: Refusal): MailError {
  const code = codeOf(reply, refusal);
  const advice =
    !refusal.encrypted && refusal.stage !== 'command' && WANTS_TLS.test(reply.text)
      ? '; try --security starttls or tls'
      : '';
  const retryAfterMs = code === 'busy' || code === 'rate' ? hintMs(reply, refusal.loginDelayMs) : null;
  return new MailError(
    code,
    `Cannot ${refusal.doing}: the server ${reply.text === '' ? 'refuses it' : `says "${reply.text}"`}${advice}`,
    retryAfterMs === null ? {} : { retryAfterMs },
  );
}

function codeOf(reply: Extract<Reply, { kind: 'err' }>, refusal: Refusal): MailErrorCode {
  switch (reply.code) {
    case 'AUTH':
      return 'auth';
    case 'IN-USE':
    case 'LOGIN-DELAY':
      return 'busy';
    case 'SYS/TEMP':
    case 'LIMIT':
    case 'UNAVAILABLE':
      return 'rate';
    case 'SYS/PERM':
      return 'mailbox';
    default:
      return codeOfWording(reply.text, refusal);
  }
}

function codeOfWording(text: string, { stage, encrypted }: Refusal): MailErrorCode {
  if (TOO_MANY.test(text)) return 'rate';
  if (LOCKED.test(text)) return 'busy';
  if (TEMPORARY.test(text)) return 'rate';
  if (stage !== 'command' && !encrypted && WANTS_TLS.test(text)) return 'tls';
  if (stage === 'greeting') return 'rate';
  return stage === 'password' ? 'auth' : 'protocol';
}

function hintMs(reply: Extract<Reply, { kind: 'err' }>, loginDelayMs: number | null): number | null {
  const said = /\b(\d{1,9}) ?(?:(ms|milliseconds?)|(s|secs?|seconds?)|(m|mins?|minutes?)|(h|hours?))\b/i.exec(
    reply.text,
  );
  if (said) {
    const unit = said[2] ? 'ms' : said[3] ? 's' : said[4] ? 'm' : 'h';
    return Math.min(Number(said[1]) * UNIT_MS[unit], MAX_HINT_MS);
  }
  return reply.code === 'LOGIN-DELAY' || /login.?delay/i.test(reply.text) ? loginDelayMs : null;
}
