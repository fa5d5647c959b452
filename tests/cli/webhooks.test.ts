import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliWorld, createCliWorld } from '../support/cli.ts';
import { takenAttempt } from '../support/fake-operations.ts';

let world: CliWorld;
beforeEach(async () => {
  world = await createCliWorld();
});
afterEach(() => world.close());

describe('webhooks', () => {
  it('add prints the secret, and every option arrives', async () => {
    await world.addAccount();
    const run = await world.addWebhook(
      ...'--name crm --account ana --events message.received --events mailbox.reset --timeout 5'.split(' '),
      ...['--header', 'X-Key: hunter2', '--header', 'X-Other: a: b'],
    );
    const { id, secret } = await world.get('/v1/webhooks/crm/secret');
    expect(run.stdout).toContain(secret);
    expect(run.stdout).not.toContain('hunter2');
    expect(run.stdout).toMatch(/^accounts +ana$/m);
    expect((await world.run(['webhooks', 'show', 'crm'])).stdout).toMatch(/^accounts +ana$/m);
    expect(await world.get(`/v1/webhooks/${id}`)).toMatchObject({
      name: 'crm',
      accounts: [(await world.get('/v1/accounts/ana')).id],
      events: ['message.received', 'mailbox.reset'],
      headers: ['X-Key', 'X-Other'],
      timeoutSeconds: 5,
    });
  });

  it('secret and rotate-secret print nothing but the secret', async () => {
    await world.addWebhook('--name', 'crm');
    const { secret } = await world.get('/v1/webhooks/crm/secret');
    expect((await world.run(['webhooks', 'secret', 'crm'])).stdout).toBe(`${secret}\n`);
    const rotated = await world.run(['webhooks', 'rotate-secret', 'crm', '--grace', '0']);
    expect(rotated.stdout).toBe(`${(await world.get('/v1/webhooks/crm/secret')).secret}\n`);
    expect(rotated.stdout).not.toContain(secret);
  });

  it.each([[['--filter', 'true']], [['--max-per-minute', '5']]])(
    'add with %j says that it is not available yet',
    async (options) => {
      const { code, body } = await world.json(['webhooks', 'add', 'http://127.0.0.1:3000/', ...options]);
      expect({ code, body }).toMatchObject({ code: 1, body: { code: 'not-available-yet', status: 501 } });
    },
  );

  it('add of an address that is not allowed exits with 1', async () => {
    const { code, body } = await world.json(['webhooks', 'add', 'http://169.254.169.254/']);
    expect({ code, body }).toMatchObject({ code: 1, body: { code: 'egress' } });
  });

  it('test exits with 0 when the receiver took it, else with 1', async () => {
    await world.addWebhook('--name', 'crm');
    expect(await world.spawn(['webhooks', 'test', 'crm'])).toEqual({
      code: 0,
      stdout: 'Delivered: status 200 after 12 ms.\n',
      stderr: '',
    });
    const failed = {
      ...takenAttempt,
      status: 500,
      outcome: 'http-error',
      error: 'The receiver\u001b[31m failed',
    };
    world.operations.attempt = failed;
    expect(await world.spawn(['webhooks', 'test', 'crm'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'Not delivered (http-error): status 500 after 12 ms: The receiver [31m failed\n',
    });
    expect(await world.json(['webhooks', 'test', 'crm'])).toEqual({ code: 1, body: failed });
  });

  it('are listed, shown, changed, disabled, enabled and removed', async () => {
    await world.addAccount();
    await world.addWebhook('--name', 'crm', '--account', 'ana', '--header', 'X-Key: 1');
    expect((await world.run(['webhooks', 'list'])).stdout).toMatch(
      /^crm +enabled +http:\/\/127.0.0.1:3000\/mail +ana /m,
    );
    await world.run([
      'webhooks',
      'update',
      'crm',
      '--account',
      '*',
      '--no-header',
      '--url',
      'http://127.0.0.1:4000/',
    ]);
    expect(await world.get('/v1/webhooks/crm')).toMatchObject({
      accounts: null,
      headers: [],
      url: 'http://127.0.0.1:4000/',
    });
    expect(await world.json(['webhooks', 'disable', 'crm'])).toMatchObject({
      code: 0,
      body: { state: 'disabled' },
    });
    expect((await world.run(['webhooks', 'list'])).stdout).toMatch(/^crm +disabled +http:/m);
    expect((await world.run(['webhooks', 'show', 'crm'])).stdout).toMatch(
      /^Next: npx mailhook webhooks enable crm$/m,
    );
    expect(await world.json(['webhooks', 'enable', 'crm'])).toMatchObject({
      code: 0,
      body: { state: 'enabled' },
    });
    expect(await world.json(['webhooks', 'remove', 'crm'])).toMatchObject({
      code: 0,
      body: { removed: true },
    });
  });
});
