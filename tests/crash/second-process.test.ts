import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startProduct } from '../support/product.ts';

const MAIN = fileURLToPath(new URL('../../local/main.ts', import.meta.url));
const DEADLINE_MS = 20_000;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailhook-second-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs mailhook on the folder until it ends by itself. */
function runToItsEnd(): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const env = { ...process.env, MAILHOOK_DATA: folder, MAILHOOK_PORT: '0' };
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN], { env, timeout: DEADLINE_MS }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr });
    });
  });
}

describe('a second process on a data folder', () => {
  it('is refused in one line while the first lives, which goes on', async () => {
    const first = await startProduct(folder);
    const second = await runToItsEnd();
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toContain(folder);
    expect(second.stderr.trim().split('\n')).toHaveLength(1);
    expect(await first.call('GET', '/status')).toMatchObject({ accounts: { active: 0 } });
    expect(await first.stop()).toBe(0);
  });

  it('starts as soon as the first was killed, with what that one knew', async () => {
    const first = await startProduct(folder);
    await first.call('POST', '/webhooks', { url: 'http://127.0.0.1:9/', name: 'kept' });
    await first.kill();
    const second = await startProduct(folder);
    expect(await second.call('GET', '/webhooks')).toMatchObject({ data: [{ name: 'kept' }] });
    expect(await second.stop()).toBe(0);
  });
});
