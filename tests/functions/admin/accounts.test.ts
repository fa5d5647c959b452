import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountDetailSchema } from '../../../functions/admin/account-schema.ts';
import { removeUnfinishedAdds } from '../../../functions/admin/add-account.ts';
import { accountIdOf } from '../../../shared/identity.ts';
import { type AdminWorld, accountBody, accountId, createAdminWorld } from '../../support/admin-world.ts';
import { quietReport } from '../../support/fake-operations.ts';

let world: AdminWorld;
beforeEach(async () => {
  world = await createAdminWorld();
});
afterEach(() => world.close());

const add = (change: Record<string, unknown> = {}) => world.call('POST', '/v1/accounts', accountBody(change));
const count = async () => (await world.call('GET', '/v1/accounts')).body.data.length as number;

describe('adding an account', () => {
  it('takes the baseline before it answers, and shows the resource of the contract with its defaults', async () => {
    const answer = await add();

    expect(answer.status).toBe(201);
    expect(world.operations.baselines).toEqual([{ id: 'acc_gu5xweqhvnooiclr', start: { kind: 'now' } }]);
    expect(answer.body).toEqual({
      id: 'acc_gu5xweqhvnooiclr',
      name: 'ana',
      protocol: 'imap',
      host: 'imap.example.com',
      port: 993,
      security: 'tls',
      username: 'ana@example.com',
      auth: 'password',
      mailboxes: ['INBOX'],
      intervalSeconds: 300,
      start: 'now',
      onDelivered: 'none',
      onFailed: 'none',
      deleteAfterDays: null,
      maxSizeBytes: 52_428_800,
      tlsAllowInvalidCertificate: false,
      state: 'active',
      reason: null,
      held: 0,
      lastPollAt: null,
      lastSuccessAt: null,
      lastError: null,
      createdAt: '2026-03-01T12:00:00.000Z',
      waiting: { messages: 0, oldestAt: null, reasons: [] },
    });
    expect(accountDetailSchema.strict().safeParse(answer.body).success).toBe(true);
  });

  it('is paused as adding while the baseline is taken, so that a crash leaves nothing that polls', async () => {
    let during: unknown;
    world.operations.duringBaseline = async () => {
      during = (await world.call('GET', '/v1/accounts/ana')).body;
    };
    await add();
    expect(during).toMatchObject({ state: 'paused', reason: 'adding' });
  });

  it.each([
    ['auth', 'auth_failed'],
    ['tls', 'error'],
    ['network', 'error'],
    ['mailbox', 'error'],
  ] as const)('that fails with %s leaves nothing behind and says why', async (code, outcome) => {
    world.operations.report = { ...quietReport, outcome, error: { code, message: 'The server said\r\nno' } };
    const answer = await add();
    expect(answer).toMatchObject({ status: 422, body: { code, detail: 'The server said no' } });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await count()).toBe(0);
  });

  it('leaves nothing behind when the baseline breaks down, and tells only the log', async () => {
    world.operations.duringBaseline = async () => {
      throw new Error('pw-1 broke it');
    };
    const answer = await add();
    expect(answer).toMatchObject({ status: 500, body: { code: 'internal' } });
    expect(answer.text).not.toContain('pw-1');
    expect(JSON.stringify(world.logged)).not.toContain('pw-1');
    expect(world.logged).toMatchObject([{ event: 'admin.failed', fields: { error: 'Error' } }]);
    expect(await count()).toBe(0);
  });

  it('on a full disk says so', async () => {
    world.operations.duringBaseline = async () => {
      throw Object.assign(new Error('database or disk is full'), { errstr: 'database or disk is full' });
    };
    const answer = await add();
    expect(answer).toMatchObject({ status: 500, body: { code: 'internal' } });
    expect(answer.body.detail).toMatch(/^The disk is full/);
    expect(world.logged).toMatchObject([{ fields: { reason: 'database or disk is full' } }]);
  });

  it('with skipTest logs in nowhere and is active', async () => {
    const answer = await add({ skipTest: true });
    expect(answer.body).toMatchObject({ state: 'active', reason: null });
    expect(world.operations.baselines).toEqual([]);
  });

  it.each([
    [{}, 993],
    [{ security: 'starttls' }, 143],
    [{ protocol: 'pop3' }, 995],
    [{ protocol: 'pop3', security: 'none' }, 110],
    [{ port: 1143 }, 1143],
  ])('with %j uses port %i', async (change, port) => {
    expect((await add(change)).body.port).toBe(port);
  });

  it('of POP3 has no mailboxes', async () => {
    expect((await add({ protocol: 'pop3', onDelivered: 'delete' })).body).toMatchObject({
      mailboxes: [],
      onDelivered: 'delete',
    });
  });

  it('keeps host and INBOX in the form that counts for identity', async () => {
    const answer = await add({ host: 'IMAP.Bücher.example.', mailboxes: ['inbox', 'Entwürfe'] });
    expect(answer.body).toMatchObject({
      id: accountIdOf({
        protocol: 'imap',
        host: 'imap.bücher.example',
        port: 993,
        username: 'ana@example.com',
      }),
      host: 'imap.xn--bcher-kva.example',
      mailboxes: ['INBOX', 'Entwürfe'],
    });
  });

  it('seals the password for the account, and for nothing else', async () => {
    const id = accountId((await add()).body);
    const stored = await world.embedded.store.account(id);
    if (stored === null) throw new Error('The account is not stored');
    expect(stored.credential).not.toContain('pw-1');
    const opened = await world.embedded.vault.open('mailbox-credential', id, stored.credential);
    expect(Buffer.from(opened).toString()).toBe('pw-1');
    await expect(world.embedded.vault.open('webhook-secret', id, stored.credential)).rejects.toThrow();
  });
});

describe('an account that is there already', () => {
  it('refuses its login under another name and its name for another login', async () => {
    await add();
    expect(await add({ name: 'other' })).toMatchObject({
      status: 409,
      body: { code: 'login-taken', detail: expect.stringContaining('is the account "ana" already') },
    });
    expect(await add({ username: 'bob' })).toMatchObject({ status: 409, body: { code: 'name-taken' } });
    expect(await count()).toBe(1);
  });

  it('that a crash left behind makes way after 15 minutes, and not before', async () => {
    // A crash is a baseline that never comes back: its row is what a second add finds.
    const held = new Promise<never>(() => undefined);
    world.operations.duringBaseline = () => held;
    void add();
    await expect.poll(count).toBe(1);
    world.operations.duringBaseline = async () => undefined;

    world.clock.advance(15 * 60_000);
    expect(await add()).toMatchObject({ status: 409, body: { code: 'account-adding' } });
    world.clock.advance(1);
    expect(await add()).toMatchObject({ status: 201, body: { state: 'active' } });
  });

  it('that a crash left behind is gone after a restart, and one that is there to stay is not', async () => {
    await add({ name: 'stays', username: 'stays' });
    const held = new Promise<never>(() => undefined);
    world.operations.duringBaseline = () => held;
    void add();
    await expect.poll(count).toBe(2);
    await removeUnfinishedAdds(world.embedded.store);
    expect(await count()).toBe(1);
    world.operations.duringBaseline = async () => undefined;
    expect((await add()).status).toBe(201);
  });

  it('that a crash left behind under this name makes way for another login', async () => {
    const held = new Promise<never>(() => undefined);
    world.operations.duringBaseline = () => held;
    void add({ host: 'typo.example.com' });
    await expect.poll(count).toBe(1);
    world.operations.duringBaseline = async () => undefined;
    world.clock.advance(15 * 60_000 + 1);
    expect((await add()).status).toBe(201);
    expect(await count()).toBe(1);
  });
});

describe('showing, listing and removing', () => {
  it('finds an account by id and by name, whatever is in the name', async () => {
    const name = 'a/b %2F ?#ü';
    const { id } = (await add({ name })).body;
    expect((await world.call('GET', `/v1/accounts/${encodeURIComponent(name)}`)).body.id).toBe(id);
    expect((await world.call('GET', `/v1/accounts/${id}`)).body.name).toBe(name);
  });

  it('gives pages, whose cursor leads to the next until it is null', async () => {
    for (const name of ['a', 'b', 'c']) await add({ name, username: name });
    const first = (await world.call('GET', '/v1/accounts?limit=2')).body;
    const second = (
      await world.call('GET', `/v1/accounts?limit=2&cursor=${encodeURIComponent(first.next ?? '')}`)
    ).body;
    expect([...first.data, ...second.data].map((account) => account.name)).toEqual(['a', 'b', 'c']);
    expect(second.next).toBeNull();
  });

  it.each(['limit=0', 'limit=501', 'limit=x', 'limit=', 'order=asc'])(
    'refuses the query %s',
    async (query) => {
      expect((await world.call('GET', `/v1/accounts?${query}`)).status).toBe(400);
    },
  );

  it('removes an account once', async () => {
    const { id } = (await add()).body;
    expect((await world.call('DELETE', '/v1/accounts/ana')).body).toEqual({ id, name: 'ana', removed: true });
    expect(await world.call('DELETE', '/v1/accounts/ana')).toMatchObject({
      status: 404,
      body: { code: 'account-not-found', detail: 'There is no account "ana"' },
    });
  });
});
