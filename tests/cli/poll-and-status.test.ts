import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliWorld, createCliWorld } from '../support/cli.ts';
import { quietReport } from '../support/fake-operations.ts';

let world: CliWorld;
beforeEach(async () => {
  world = await createCliWorld();
});
afterEach(() => world.close());

describe('poll and status', () => {
  it('poll waits for the reports and exits with 1 when one failed', async () => {
    await world.addAccount();
    expect(await world.json(['poll', 'ana'])).toMatchObject({
      code: 0,
      body: { accounts: [{ outcome: 'ok' }] },
    });
    world.operations.report = {
      ...quietReport,
      outcome: 'error',
      error: { code: 'network', message: 'no route' },
    };
    const run = await world.run(['poll']);
    expect(run.code).toBe(1);
    expect(run.stdout).toMatch(/error +0 +0 +0 +network: no route$/m);
    world.operations.report = { ...quietReport, outcome: 'paused' };
    expect(await world.run(['poll'])).toMatchObject({
      code: 0,
      stdout: expect.not.stringContaining('resume'),
    });
    const paused = await world.run(['poll', 'ana']);
    expect(paused.code).toBe(1);
    expect(paused.stdout).toMatch(/is paused and was not polled\. Next: npx mailhook accounts resume acc_/);
  });

  it('status and accounts show tell what could not be fetched yet, and why', async () => {
    await world.addAccount();
    expect((await world.run(['accounts', 'show', 'ana'])).stdout).not.toContain('could not be fetched');
    await world.openGaps((await world.get('/v1/accounts/ana')).id, [
      'the server says NO',
      'the server says NO',
    ]);
    world.clock.advance(120_000);
    expect((await world.run(['status'])).stdout).toMatch(
      /^not fetched yet +2 waiting, the oldest for 2 min$/m,
    );
    const { stdout } = await world.run(['accounts', 'show', 'ana']);
    expect(stdout).toMatch(/^2 messages could not be fetched yet, the first one .*:$/m);
    expect(stdout).toMatch(/^2 +now +the server says NO$/m);
  });

  it('status shows counts and, on stderr, what to look at', async () => {
    expect((await world.run(['status'])).stdout).toContain('Next: npx mailhook accounts add');
    await world.addAccount();
    const run = await world.run(['status']);
    expect(run.stdout).toMatch(/^accounts +1 active$/m);
    expect(run.stderr).toBe('Warning: 1 active account has no enabled webhook: its mail is ignored\n');
    expect(await world.json(['status'])).toMatchObject({ code: 0, body: { version: '1.2.3' } });
  });
});

describe('output', () => {
  it('has no colour where there is no terminal, and no blanks at the ends of lines', async () => {
    await world.addAccount();
    const { stdout } = await world.spawn(['accounts', 'list'], { env: { FORCE_COLOR: '1' } });
    expect(stdout).not.toContain('\u001b');
    expect(stdout).not.toMatch(/ $/m);
  });

  it('ends quietly when its reader has read enough', async () => {
    await world.addAccount();
    await world.commit(
      (await world.get('/v1/accounts/ana')).id,
      Array.from({ length: 300 }, () => 'x'.repeat(60)),
    );
    const command = `"$NODE" cli/mailhook.mjs messages list | head -1; exit "\${PIPESTATUS[0]}"`;
    const env = { ...world.env, PATH: process.env.PATH, NODE: process.execPath };
    const { stdout, stderr } = await promisify(execFile)('bash', ['--norc', '-c', command], { env });
    expect(stdout).toMatch(/^RECEIVED/);
    expect(stderr).toBe('');
  });
});
