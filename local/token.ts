import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const TOKEN_FILE = 'token';
const TOKEN_BYTES = 32;
/** What a token of ours looks like; a file with anything else in it is none. */
const TOKEN = /^[A-Za-z0-9_-]{20,200}$/;

/** Where the API's token lies in a data folder. */
export function tokenPath(folder: string): string {
  return join(folder, TOKEN_FILE);
}

/** The API's token in this data folder; null when there is none. */
export async function readToken(folder: string): Promise<string | null> {
  try {
    const token = (await readFile(tokenPath(folder), 'utf8')).trim();
    return TOKEN.test(token) ? token : null;
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return null;
    throw error;
  }
}

/** The API's token in this data folder, made and kept there (mode 0600) when there is none yet. */
export async function readOrCreateToken(folder: string): Promise<string> {
  const path = tokenPath(folder);
  const present = await readToken(folder);
  if (present !== null) {
    // A copy or a backup may have come back readable by others.
    await chmod(path, 0o600);
    return present;
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const fresh = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(fresh, `${token}\n`, { mode: 0o600, flag: 'wx' });
    await rm(path, { force: true });
    // A link appears with all of its bytes, so that a command that reads at this moment never sees half a token.
    await link(fresh, path);
  } finally {
    await rm(fresh, { force: true });
  }
  return token;
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
