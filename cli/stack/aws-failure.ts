import { type ApiError, localError } from '../errors.ts';

/** A quoted message of AWS that is longer says nothing more. */
const MAX_QUOTED_CHARS = 300;

/** What AWS calls credentials that were good once. */
const EXPIRED = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired']);
/** What it calls credentials that never were, or whose secret key is another. */
const REFUSED = new Set([
  'AuthFailure',
  'IncompleteSignature',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]);
const DENIED = new Set(['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation']);
/** The signature's time is minutes off the time of AWS. */
const WRONG_TIME = new Set(['RequestExpired', 'RequestTimeTooSkewed']);

/** The credentials were good once; how to get new ones depends on where they come from. */
export function expiredError(cause?: unknown): ApiError {
  const detail = 'The AWS credentials have expired: log in again, with aws sso login for example';
  return localError('credentials-expired', 'The AWS credentials have expired', detail, cause);
}

/** A failure of the SDK as the command line reports it; `asking` is what was asked for. Rethrows what is a bug of ours. */
export function awsError(error: unknown, asking: string): ApiError {
  if (!(error instanceof Error)) throw error;
  const { name } = error;
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') return credentialsError(error);
  if (EXPIRED.has(name)) return expiredError(error);
  if (REFUSED.has(name)) {
    const detail = `AWS refuses the credentials (${name}): are the access key and its secret right?`;
    return localError('credentials-refused', 'AWS refuses the credentials', detail, error);
  }
  if (WRONG_TIME.has(name)) {
    const detail = `AWS refuses the time of the request (${name}): is the clock of this machine right?`;
    return localError('credentials-refused', 'AWS refuses the time', detail, error);
  }
  if (DENIED.has(name)) {
    const detail = `The AWS credentials may not ${asking}: ${firstLine(error.message)}`;
    return localError('not-allowed', 'The AWS credentials are not enough', detail, error);
  }
  if (isAnswer(error)) {
    const detail = `AWS would not ${asking}: ${name}: ${firstLine(error.message)}`;
    return localError('aws', 'AWS refuses', detail, error);
  }
  if ('code' in error || name === 'TimeoutError') {
    const detail = `Cannot reach AWS to ${asking}: ${reasonOf(error)}`;
    return localError('unreachable', 'AWS cannot be reached', detail, error);
  }
  throw error;
}

/** Why a connection failed; the errors of several addresses together have no message of their own. */
export function reasonOf(error: Error): string {
  return firstLine(error.message) || ('code' in error ? String(error.code) : error.name);
}

function credentialsError(error: Error): ApiError {
  if (/expired|re-?authenticate|aws (sso )?login/i.test(error.message)) return expiredError(error);
  const detail = `No AWS credentials (${firstLine(error.message)}): set AWS_PROFILE to a profile that has some, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`;
  return localError('no-credentials', 'There are no AWS credentials', detail, error);
}

/** Whether a service of AWS answered, and with an error. */
function isAnswer(error: Error): boolean {
  return '$fault' in error;
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').slice(0, MAX_QUOTED_CHARS);
}
