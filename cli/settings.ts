import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readToken, tokenPath } from '../local/token.ts';
import { UsageError } from './errors.ts';

const DEFAULT_PORT = '8025';
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Where the API is and what opens it. */
export interface ApiSettings {
  readonly url: URL;
  /** Null when there is none, which the server will say. */
  readonly token: string | null;
  /** Where the token came from, for the message when it is refused. */
  readonly tokenSource: string;
}

/**
 * Reads `MAILHOOK_URL`, `MAILHOOK_PORT`, `MAILHOOK_DATA` and `MAILHOOK_TOKEN`. The token of the data folder goes to this
 * machine only: another one gets a token that was named for it. Throws UsageError for a setting that cannot be used.
 */
export async function readApiSettings(env: NodeJS.ProcessEnv): Promise<ApiSettings> {
  const url = readUrl(env);
  if (env.MAILHOOK_TOKEN) {
    if (!/^[\x21-\x7e]+$/.test(env.MAILHOOK_TOKEN)) {
      throw new UsageError('Cannot use MAILHOOK_TOKEN: it has characters that no header may have');
    }
    return { url, token: env.MAILHOOK_TOKEN, tokenSource: 'MAILHOOK_TOKEN' };
  }
  if (!LOOPBACK.test(url.hostname)) return { url, token: null, tokenSource: 'MAILHOOK_TOKEN' };
  const folder = resolve(env.MAILHOOK_DATA || fileURLToPath(new URL('../.mailhook', import.meta.url)));
  try {
    return { url, token: await readToken(folder), tokenSource: tokenPath(folder) };
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
