import type { MailErrorCode } from '../../../../shared/account.ts';

/** What the session was at when it failed: a NO means something else to a login than to a SELECT or a FETCH. */
export type Phase = 'login' | 'mailbox' | 'command';

/** What a failure comes to. */
export interface Verdict {
  readonly code: MailErrorCode;
  /** One line, safe to show. */
  readonly reason: string;
  readonly retryAfterMs?: number;
}

/** The parts of an imapflow, socket or DNS error that tell what happened. */
export interface Failure {
  /** imapflow's or Node's code; empty when there is none. */
  readonly code: string;
  readonly message: string;
  /** NO or BAD, when a command was answered with it. */
  readonly status: 'NO' | 'BAD' | null;
  /** The response code of that answer, in capitals: LIMIT, AUTHENTICATIONFAILED, … */
  readonly responseCode: string | null;
  /** The text of that answer; empty when there is none. */
  readonly text: string;
  /** The text of the BYE that ended the session. */
  readonly bye: string | null;
  readonly throttleMs: number | null;
  readonly tlsFailed: boolean;
  /** imapflow would not or could not log in. */
  readonly loginRefused: boolean;
  /** It comes from the operating system. */
  readonly isSystemError: boolean;
}

/** imapflow's codes of a connection that is closed. */
export const CLOSED_CODES: ReadonlySet<string> = new Set([
  'NoConnection',
  'EConnectionClosed',
  'StateLogout',
  'ClosedAfterConnectText',
  'ClosedAfterConnectTLS',
]);

const OVERFLOW_CODES = new Set([
  'LineTooLarge',
  'LiteralTooLarge',
  'ResponseTooLarge',
  'TooManyTokens',
  'TooManyResponses',
]);

/** Whether the server sent more than is taken at once, which ends the connection. */
export function isOverflow({ code }: Pick<Failure, 'code'>): boolean {
  return OVERFLOW_CODES.has(code);
}

/** The connection is gone; `bye` is what the server said last. */
export function lostConnection(bye: string | null): Failure {
  return { ...failureOf(new Error('Connection lost')), code: 'NoConnection', bye };
}

/** Reads an error of any origin. */
export function failureOf(error: unknown): Failure {
  const fields = new Map(Object.entries(error instanceof Error ? error : {}));
  const text = (key: string) => {
    const value = fields.get(key);
    return typeof value === 'string' ? value : null;
  };
  const status = text('responseStatus');
  const throttleMs = fields.get('throttleReset');
  return {
    code: text('code') ?? '',
    message: error instanceof Error ? error.message : String(error),
    status: status === 'NO' || status === 'BAD' ? status : null,
    responseCode: text('serverResponseCode') ?? responseCodeOf(fields.get('response')),
    text: text('responseText') ?? text('response') ?? '',
    // OpenSSL's errors have a reason too.
    bye: CLOSED_CODES.has(text('code') ?? '') ? text('reason') : null,
    throttleMs: typeof throttleMs === 'number' ? throttleMs : null,
    tlsFailed: fields.get('tlsFailed') === true,
    loginRefused: fields.get('authenticationFailed') === true,
    isSystemError: text('syscall') !== null,
  };
}

/** FETCH and STORE errors carry the parsed answer and not its code: `[CODE …]` is the section of the first attribute. */
function responseCodeOf(response: unknown): string | null {
  const [attribute] = listAt(response, 'attributes');
  const [code] = listAt(attribute, 'section');
  const value = typeof code === 'object' && code !== null && 'value' in code ? code.value : null;
  return typeof value === 'string' ? value.toUpperCase() : null;
}

function listAt(node: unknown, key: string): readonly unknown[] {
  if (typeof node !== 'object' || node === null) return [];
  const list: unknown = Object.entries(node).find(([name]) => name === key)?.[1];
  return Array.isArray(list) ? list : [];
}
