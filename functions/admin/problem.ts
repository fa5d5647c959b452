import type { MailErrorCode } from '../../shared/account.ts';

/** What is wrong with one field of a request. */
export interface FieldError {
  /** Where in the body or the query, `mailboxes[1]` for example; empty for the whole of it. */
  readonly path: string;
  readonly message: string;
}

const TITLES = {
  'invalid-request': 'The request is not valid',
  'no-such-route': 'There is no such route',
  'method-not-allowed': 'The route does not take this method',
  unauthorized: 'The token is missing or wrong',
  'host-not-allowed': 'The Host header is not one of this server',
  'account-not-found': 'There is no such account',
  'webhook-not-found': 'There is no such webhook',
  'message-not-found': 'There is no such message',
  'delivery-not-found': 'There is no such delivery',
  'raw-not-kept': 'The raw message is not kept',
  'name-taken': 'The name is taken',
  'login-taken': 'The login is there already',
  'account-adding': 'The account is being added',
  'too-many-webhooks': 'Too many webhooks select the account',
  'too-large': 'The body is too large',
  'unsupported-media-type': 'The body must be JSON',
  'not-available-yet': 'This is not available yet',
  'no-webhook': 'No webhook takes the message',
  auth: 'The mail server refused the login',
  rate: 'The mail server asks for fewer logins',
  busy: 'The mailbox is busy',
  network: 'The mail server cannot be reached',
  tls: 'No secure connection to the mail server',
  protocol: 'The mail server broke the protocol',
  egress: 'The address is not allowed',
  mailbox: 'A mailbox cannot be opened',
  internal: 'mailhook failed',
} as const;

/** The stable `code` of a problem: new ones may be added, none changes its meaning. */
type ProblemCode = keyof typeof TITLES;

/** All codes, for the OpenAPI document. */
export const PROBLEM_CODES = Object.keys(TITLES) as readonly ProblemCode[];

/** Why a request was refused, as a value; `problemResponse` makes the answer of it. */
export interface Problem {
  readonly kind: 'problem';
  readonly status: number;
  readonly code: ProblemCode;
  /** One line for a person: what was wrong, the value (never a secret), what to do. */
  readonly detail: string;
  readonly errors: readonly FieldError[] | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Makes a problem; `headers` go with the answer. */
export function problem(
  status: number,
  code: ProblemCode,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): Problem {
  return { kind: 'problem', status, code, detail, errors: null, headers };
}

/** A 400 that names each field that is wrong. */
export function invalidRequest(errors: readonly FieldError[]): Problem {
  const detail = errors
    .map((error) => (error.path === '' ? error.message : `${error.path}: ${error.message}`))
    .join('; ');
  return { ...problem(400, 'invalid-request', detail), errors };
}

/** A line of a mail server that is longer says nothing more. */
const MAX_MAIL_DETAIL_LENGTH = 500;

/** A 422 for what a mail server or the way to it refused; the code is the mail error's own. */
export function mailProblem(code: string, message: string): Problem {
  // Servers write a part of it: what they say must not steer a terminal.
  const detail = message.replace(/\p{C}+/gu, ' ').slice(0, MAX_MAIL_DETAIL_LENGTH);
  return isMailCode(code) ? problem(422, code, detail) : problem(500, 'internal', detail);
}

const MAIL_CODES: ReadonlySet<string> = new Set<MailErrorCode>([
  'auth',
  'rate',
  'busy',
  'network',
  'tls',
  'protocol',
  'egress',
  'mailbox',
]);

function isMailCode(code: string): code is MailErrorCode {
  return MAIL_CODES.has(code);
}

/** Whether a use case answered with a problem. */
export function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'problem';
}

/** The JSON of a problem (RFC 9457): `type`, `title`, `status`, `detail`, `code`, and `errors` for validation. */
function problemBody(refused: Problem): Record<string, unknown> {
  return {
    type: `urn:mailhook:problem:${refused.code}`,
    title: TITLES[refused.code],
    status: refused.status,
    detail: refused.detail,
    code: refused.code,
    ...(refused.errors === null ? {} : { errors: refused.errors }),
  };
}

/** The answer `application/problem+json` (RFC 9457). */
export function problemResponse(refused: Problem): Response {
  return new Response(JSON.stringify(problemBody(refused)), {
    status: refused.status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...refused.headers },
  });
}
