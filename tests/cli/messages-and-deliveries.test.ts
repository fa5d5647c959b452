import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliWorld, createCliWorld } from '../support/cli.ts';

let world: CliWorld;
beforeEach(async () => {
  world = await createCliWorld();
});
afterEach(() => world.close());

describe('messages and deliveries', () => {
  let ids: readonly string[];
  beforeEach(async () => {
    await world.addAccount();
    await world.addWebhook('--name', 'crm');
    ids = await world.commit((await world.get('/v1/accounts/ana')).id, [
      'one \u001b]0;owned\u0007\u202e',
      '漢字',
    ]);
  });

  it('list all pages as one, newest first', async () => {
    await world.commit(
      (await world.get('/v1/accounts/ana')).id,
      Array.from({ length: 520 }, (_, index) => `mail ${index}`),
    );
    const { body } = await world.json(['messages', 'list', '--account', 'ana', '--since', '2026-01-01']);
    const { data, next } = body as { data: { subject: string }[]; next: null };
    expect(next).toBeNull();
    expect(data).toHaveLength(522);
    expect(data[0]?.subject).toBe('mail 519');
  });

  it('show what mail says without letting it steer the terminal', async () => {
    for (const args of [
      ['messages', 'list'],
      ['messages', 'show', ids[0] ?? ''],
    ]) {
      const { stdout } = await world.run(args);
      expect(stdout).toContain('one ');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not arrive
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/);
    }
  });

  it('raw gives the bytes of the mail', async () => {
    const { code, stdout } = await world.spawn(['messages', 'raw', ids[1] ?? '']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Subject: .*\r\n\r\nbytes/);
    expect(await world.spawn(['messages', 'raw', 'nonsense'])).toMatchObject({ code: 1, stdout: '' });
  });

  it('replay, retry and their counts', async () => {
    expect((await world.run(['messages', 'replay', ...ids])).stdout).toBe('2 deliveries are sent again.\n');
    const { data } = await world.get('/v1/deliveries');
    expect((await world.run(['deliveries', 'list', '--webhook', 'crm'])).stdout).toMatch(
      /^crm +pending +0 /m,
    );
    expect((await world.run(['deliveries', 'show', data[0]?.id ?? ''])).stdout).toMatch(/^state +pending$/m);
    expect((await world.run(['deliveries', 'retry', data[0]?.id ?? ''])).stdout).toBe(
      'The delivery is sent now.\n',
    );
    await world.run(['webhooks', 'disable', 'crm']);
    expect((await world.run(['deliveries', 'retry', data[0]?.id ?? ''])).stdout).toBe(
      'The delivery waits, since its webhook crm is disabled.\nNext: npx mailhook webhooks enable crm\n',
    );
    await world.run(['webhooks', 'enable', 'crm']);
    const replay = ['deliveries', 'replay', '--webhook', 'crm', '--since', '2026-01-01'];
    expect((await world.run([...replay, '--dry-run'])).stdout).toBe(
      '2 deliveries would be sent again (2 pending).\n',
    );
    expect((await world.run(replay)).stdout).toBe('2 deliveries sent again (2 pending).\n');
    expect((await world.run([...replay, '--state', 'exhausted'])).stdout).toBe('0 deliveries sent again.\n');
  });
});
