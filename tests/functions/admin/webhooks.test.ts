import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { webhookSchema, webhookWithSecretSchema } from '../../../functions/admin/webhook-schema.ts';
import { type AdminWorld, accountBody, createAdminWorld } from '../../support/admin-world.ts';
import { takenAttempt } from '../../support/fake-operations.ts';

const HOUR_MS = 3_600_000;
const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

let world: AdminWorld;
beforeEach(async () => {
  world = await createAdminWorld();
});
afterEach(() => world.close());

const add = (change: Record<string, unknown> = {}) =>
  world.call('POST', '/v1/webhooks', { url: 'https://hooks.example.com/mail', ...change });
const openHeaders = async (id: string) => {
  const webhook = await world.embedded.store.webhookByName(id);
  if (webhook === null || webhook.headers === null) return null;
  const opened = await world.embedded.vault.open('webhook-secret', webhook.id, webhook.headers);
  return JSON.parse(Buffer.from(opened).toString()) as unknown;
};

describe('adding a webhook', () => {
  it('shows the resource of the contract with its defaults, and its new secret', async () => {
    const { status, body } = await add();
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^wh_[a-z2-7]{16}$/),
      name: 'hooks.example.com',
      url: 'https://hooks.example.com/mail',
      accounts: null,
      events: ['message.*'],
      filter: null,
      transform: null,
      headers: [],
      attachments: 'link',
      timeoutSeconds: 15,
      maxPerMinute: null,
      state: 'enabled',
      reason: null,
      gate: null,
      pending: 0,
      lastSuccessAt: null,
      createdAt: '2026-03-01T12:00:00.000Z',
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    });
    expect(webhookWithSecretSchema.strict().safeParse(body).success).toBe(true);
  });

  it('names it after its host, made unique, and takes the same URL twice', async () => {
    const names = [await add(), await add(), await add({ url: 'http://[::1]:3000/' })].map(
      ({ body }) => body.name,
    );
    expect(names).toEqual(['hooks.example.com', 'hooks.example.com-2', '::1']);
  });

  it('refuses a name that is taken, in whatever case', async () => {
    await add({ name: 'crm' });
    expect(await add({ name: 'CRM' })).toMatchObject({ status: 409, body: { code: 'name-taken' } });
  });

  it('selects accounts by name or id, each once, and refuses one that is not there', async () => {
    const { id } = (await world.call('POST', '/v1/accounts', accountBody())).body;
    expect((await add({ accounts: ['ana', id] })).body.accounts).toEqual([id]);
    expect(await add({ accounts: ['bob'] })).toMatchObject({
      status: 404,
      body: { code: 'account-not-found' },
    });
  });

  it('imports a secret of 24 to 64 bytes', async () => {
    expect((await add({ secret: SECRET })).body.secret).toBe(SECRET);
  });

  it('seals the values of headers and shows their names', async () => {
    const { body, text } = await add({ name: 'crm', headers: { Authorization: 'Bearer header-value' } });
    expect(body.headers).toEqual(['Authorization']);
    expect(text).not.toContain('header-value');
    expect(await openHeaders('crm')).toEqual({ Authorization: 'Bearer header-value' });
  });

  it('takes the values that say that nothing of this is wanted', async () => {
    const nothing = { filter: null, transform: null, maxPerMinute: null };
    expect((await add(nothing)).status).toBe(201);
  });

  it('refuses the 51st webhook that selects an account, and one for all that would be it', async () => {
    const accounts = [(await world.call('POST', '/v1/accounts', accountBody())).body.id];
    for (let number = 1; number <= 49; number += 1) await add({ accounts });
    expect((await add()).status).toBe(201);
    expect(await add({ accounts })).toMatchObject({ status: 409, body: { code: 'too-many-webhooks' } });
    expect((await add()).status).toBe(409);
    const others = (await world.call('POST', '/v1/accounts', accountBody({ name: 'bob', username: 'bob' })))
      .body.id;
    expect((await add({ accounts: [others] })).status).toBe(201);
  });
});

describe('changing a webhook', () => {
  beforeEach(() => add({ name: 'crm', headers: { 'X-Key': 'one' } }));
  const patch = (body: unknown) => world.call('PATCH', '/v1/webhooks/crm', body);

  it('changes what is given and leaves the rest', async () => {
    const { body } = await patch({ timeoutSeconds: 5, events: ['*'] });
    expect(body).toMatchObject({ name: 'crm', timeoutSeconds: 5, events: ['*'], headers: ['X-Key'] });
    expect(webhookSchema.strict().safeParse(body).success).toBe(true);
    expect(await openHeaders('crm')).toEqual({ 'X-Key': 'one' });
  });

  it('replaces all headers, or takes them away', async () => {
    await patch({ headers: { 'X-Other': 'two' } });
    expect(await openHeaders('crm')).toEqual({ 'X-Other': 'two' });
    expect((await patch({ headers: {} })).body.headers).toEqual([]);
  });

  it('selects all accounts again with null', async () => {
    const { id } = (await world.call('POST', '/v1/accounts', accountBody())).body;
    expect((await patch({ accounts: ['ana'] })).body.accounts).toEqual([id]);
    expect((await patch({ accounts: null })).body.accounts).toBeNull();
  });

  it.each([{ secret: SECRET }, { state: 'disabled' }, { pending: 0 }])('refuses %j', async (change) => {
    expect((await patch(change)).status).toBe(400);
  });

  it.each([
    [{ url: 'http://169.254.169.254/' }, 422],
    [{ filter: 'true' }, 501],
    [{ accounts: ['nobody'] }, 404],
  ])('refuses %j with %i', async (change, status) => {
    expect((await patch(change)).status).toBe(status);
  });

  it('disables with a closed gate and a reason, and enables', async () => {
    expect((await world.call('POST', '/v1/webhooks/crm/disable')).body).toMatchObject({
      state: 'disabled',
      reason: 'disabled by its owner',
      gate: { reason: 'disabled', until: null },
    });
    expect((await world.call('POST', '/v1/webhooks/crm/enable')).body).toMatchObject({
      state: 'enabled',
      reason: null,
      gate: null,
    });
  });

  it('removes it once', async () => {
    expect((await world.call('DELETE', '/v1/webhooks/crm')).body).toMatchObject({
      name: 'crm',
      removed: true,
    });
    expect((await world.call('DELETE', '/v1/webhooks/crm')).status).toBe(404);
  });
});

describe('the secret of a webhook', () => {
  let first: string;
  beforeEach(async () => {
    first = (await add({ name: 'crm' })).body.secret;
  });
  const rotate = (body?: unknown) => world.call('POST', '/v1/webhooks/crm/rotate-secret', body);
  const kept = async () => (await world.embedded.store.webhookByName('crm'))?.secrets ?? [];

  it('is shown when asked for, and in no other answer', async () => {
    expect((await world.call('GET', '/v1/webhooks/crm/secret')).body.secret).toBe(first);
    for (const path of ['/v1/webhooks', '/v1/webhooks/crm']) {
      expect((await world.call('GET', path)).text).not.toContain(first.slice(6));
    }
  });

  it('is new after a rotation, and the old one signs along for 24 hours', async () => {
    const { body } = await rotate();
    expect(body.secret).not.toBe(first);
    expect((await world.call('GET', '/v1/webhooks/crm/secret')).body.secret).toBe(body.secret);
    expect((await kept()).map(({ expiresAt }) => expiresAt)).toEqual([null, '2026-03-02T12:00:00.000Z']);
  });

  it('ends at once without grace', async () => {
    await rotate({ graceHours: 0 });
    expect(await kept()).toHaveLength(1);
  });

  it('keeps three at most, and an end that came first', async () => {
    await rotate({ graceHours: 1 });
    await rotate({ graceHours: 48 });
    await rotate({ graceHours: 48 });
    expect((await kept()).map(({ expiresAt }) => expiresAt)).toEqual([
      null,
      '2026-03-03T12:00:00.000Z',
      '2026-03-03T12:00:00.000Z',
    ]);
    world.clock.advance(49 * HOUR_MS);
    await rotate({ graceHours: 1 });
    expect(await kept()).toHaveLength(2);
  });

  it('can be one that the owner brings', async () => {
    expect((await rotate({ secret: SECRET })).body.secret).toBe(SECRET);
  });

  it.each([{ graceHours: -1 }, { graceHours: 169 }, { grace: 1 }, { secret: 'x' }])(
    'refuses %j',
    async (body) => {
      expect((await rotate(body)).status).toBe(400);
    },
  );
});

describe('testing a webhook', () => {
  it('answers with the attempt, however it went', async () => {
    await add({ name: 'crm' });
    expect((await world.call('POST', '/v1/webhooks/crm/test')).body).toEqual(takenAttempt);
    world.operations.attempt = { ...takenAttempt, status: null, outcome: 'network', error: 'ECONNREFUSED' };
    expect(await world.call('POST', '/v1/webhooks/crm/test')).toMatchObject({
      status: 200,
      body: { outcome: 'network' },
    });
    world.operations.attempt = null;
    expect((await world.call('POST', '/v1/webhooks/crm/test')).status).toBe(404);
  });
});
