import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readToken, tokenPath } from '../local/token.ts';
import { UsageError } from './errors.ts';

const DEFAULT_PORT = '8025';
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
/** What CloudFormation takes as the name of a stack. */
const STACK_NAME = /^[A-Za-z][A-Za-z0-9-]{0,127}$/;
/** The host of a Lambda Function URL, with its region. */
const FUNCTION_URL_HOST = /^[a-z0-9-]+\.lambda-url\.([a-z0-9-]+)\.on\.aws$/;

/** Where the API is and what opens it. */
interface ApiSettings {
  readonly url: URL;
  /** Null when there is none, which the server will say. */
  readonly token: string | null;
  /** Where the token came from, for the message when it is refused. */
  readonly tokenSource: string;
  /** The variable to look at when the answer is that of something else. */
  readonly urlSource: 'MAILHOOK_URL' | 'MAILHOOK_PORT';
}

/** An API that takes AWS credentials: a stack by its name, or its Function URL with the region that is in it. */
export type StackSetting =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'url'; readonly url: URL; readonly region: string };

/**
 * Reads `--stack`, which goes before everything else, `MAILHOOK_STACK`, and `MAILHOOK_URL` where it is a Lambda Function URL;
 * null when the API is none of AWS. Throws UsageError.
 */
export function readStackSetting(option: string | null, env: NodeJS.ProcessEnv): StackSetting | null {
  const name = option ?? env.MAILHOOK_STACK ?? '';
  if (option === null && name !== '' && env.MAILHOOK_URL) {
    throw new UsageError('Cannot use both MAILHOOK_STACK and MAILHOOK_URL: unset one of them');
  }
  if (option !== null || name !== '') {
    if (STACK_NAME.test(name)) return { kind: 'name', name };
    throw new UsageError(
      `Cannot use the stack "${name}": give its name as in cdk deploy, letters, digits and -`,
    );
  }
  if (!env.MAILHOOK_URL) return null;
  const url = readUrl(env);
  const region = url.protocol === 'https:' ? FUNCTION_URL_HOST.exec(url.hostname)?.[1] : undefined;
  return region === undefined ? null : { kind: 'url', url, region };
}

/**
 * Reads `MAILHOOK_URL`, `MAILHOOK_PORT`, `MAILHOOK_DATA` and `MAILHOOK_TOKEN`. The token of the data folder goes to this
 * machine only: another one gets a token that was named for it. Throws UsageError for a setting that cannot be used.
 */
export async function readApiSettings(env: NodeJS.ProcessEnv): Promise<ApiSettings> {
  const url = readUrl(env);
  const urlSource = env.MAILHOOK_URL ? 'MAILHOOK_URL' : 'MAILHOOK_PORT';
  if (env.MAILHOOK_TOKEN) {
    if (!/^[\x21-\x7e]+$/.test(env.MAILHOOK_TOKEN)) {
      throw new UsageError('Cannot use MAILHOOK_TOKEN: it has characters that no header may have');
    }
    return { url, urlSource, token: env.MAILHOOK_TOKEN, tokenSource: 'MAILHOOK_TOKEN' };
  }
  if (!LOOPBACK.test(url.hostname)) return { url, urlSource, token: null, tokenSource: 'MAILHOOK_TOKEN' };
  const folder = resolve(env.MAILHOOK_DATA || fileURLToPath(new URL('../.mailhook', import.meta.url)));
  try {
    return { url, urlSource, token: await readToken(folder), tokenSource: tokenPath(folder) };
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new UsageError(`Cannot read the token in ${tokenPath(folder)}: ${reason}`, { cause: error });
  }
}

function readUrl(env: NodeJS.ProcessEnv): URL {
  if (env.MAILHOOK_URL) {
    const url = URL.parse(env.MAILHOOK_URL);
    if (url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '')
      return url;
    throw new UsageError('Cannot use MAILHOOK_URL: give an http or https URL without a user name');
  }
  const port = env.MAILHOOK_PORT || DEFAULT_PORT;
  if (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535) {
    return new URL(`http://127.0.0.1:${port}`);
  }
  throw new UsageError(`Cannot use MAILHOOK_PORT "${port}": give a number from 1 to 65535`);
}
