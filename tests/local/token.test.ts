import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readOrCreateToken, readToken, tokenPath } from '../../local/token.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailhook-token-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const mode = async () => (await stat(tokenPath(folder))).mode & 0o777;

describe('the token of a data folder', () => {
  it('is made once, long and only for its owner to read', async () => {
    const token = await readOrCreateToken(folder);
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(await mode()).toBe(0o600);
    expect(await readOrCreateToken(folder)).toBe(token);
    expect(await readToken(folder)).toBe(token);
    expect(await readdir(folder)).toEqual(['token']);
  });

  it('is closed to others again when a copy had opened it', async () => {
    await readOrCreateToken(folder);
    await chmod(tokenPath(folder), 0o644);
    await readOrCreateToken(folder);
    expect(await mode()).toBe(0o600);
  });

  it('is made in a folder that is not there yet, closed to others too', async () => {
    const inner = join(folder, 'data');
    await readOrCreateToken(inner);
    expect((await stat(inner)).mode & 0o777).toBe(0o700);
  });

  it('is none where there is no file or no folder', async () => {
    expect(await readToken(folder)).toBeNull();
    expect(await readToken(join(folder, 'nowhere'))).toBeNull();
  });

  it.each(['', 'short', 'two words of a kind that is no token'])(
    'replaces a file that holds %j',
    async (content) => {
      await writeFile(tokenPath(folder), content);
      expect(await readToken(folder)).toBeNull();
      const token = await readOrCreateToken(folder);
      expect((await readFile(tokenPath(folder), 'utf8')).trim()).toBe(token);
    },
  );
});
