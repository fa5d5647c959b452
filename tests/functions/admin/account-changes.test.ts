import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccountId } from '../../../shared/identity.ts';
import { type AdminWorld, accountBody, accountId, createAdminWorld } from '../../support/admin-world.ts';
import { quietReport } from '../../support/fake-operations.ts';

let world: AdminWorld;
let id: AccountId;
beforeEach(async () => {
  world = await createAdminWorld();
  id = accountId((await world.call('POST', '/v1/accounts', accountBody({ skipTest: true }))).body);
});
afterEach(() => world.close());

const patch = (body: unknown) => world.call('PATCH', '/v1/accounts/ana', body);
const post = (verb: string) => world.call('POST', `/v1/accounts/ana/${verb}`);
const stored = async () => {
  const account = await world.embedded.store.account(id);
  if (account === null) throw new Error('The account is gone');
  return account;
};
const failLogin = () => world.embedded.store.updateAccount(id, { state: 'auth_failed', reason: 'refused' });

describe('changing an account', () => {
  it('changes what is given and leaves the rest, without a login when none is concerned', async () => {
    const answer = await patch({ intervalSeconds: 60, onDelivered: 'move:Done', name: 'anna' });
    expect(answer).toMatchObject({
      status: 200,
      body: { id, name: 'anna', intervalSeconds: 60, onDelivered: 'move:Done', onFailed: 'none' },
    });
    expect(world.operations.tested).toEqual([]);
  });

  it.each([
    { host: 'other.example.com' },
    { port: 1993 },
    { username: 'bob' },
    { security: 'starttls' },
    { mailboxes: ['INBOX', 'Sent'] },
    { password: 'pw-2' },
    { tlsAllowInvalidCertificate: true },
  ])('tries %j out before it is saved', async (change) => {
    world.operations.test = { ok: false, code: 'auth', message: 'The server refused the login' };
    const before = await stored();
    expect(await patch(change)).toMatchObject({ status: 422, body: { code: 'auth' } });
    expect(await stored()).toEqual(before);

    world.operations.test = { ok: true, mailboxes: [] };
    expect((await patch(change)).status).toBe(200);
    expect(world.operations.tested).toHaveLength(2);
  });

  it('refuses another start, which would do nothing, and takes the present one', async () => {
    const answer = await patch({ start: 'all', intervalSeconds: 60 });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'start' }] } });
    expect((await stored()).intervalSeconds).toBe(300);
    expect((await patch({ start: 'now', intervalSeconds: 60 })).status).toBe(200);
  });

  it('tries nothing out with skipTest, nor when a setting stays what it is', async () => {
    expect((await patch({ host: 'other.example.com', skipTest: true })).status).toBe(200);
    expect((await patch({ host: 'OTHER.example.com', mailboxes: ['inbox'] })).status).toBe(200);
    expect(world.operations.tested).toEqual([]);
  });

  it('tries a new password together with the new login it is for', async () => {
    await patch({ username: 'bob', password: 'pw-2' });
    const [tried] = world.operations.tested;
    if (tried === undefined) throw new Error('Nothing was tried');
    expect(tried.username).toBe('bob');
    const opened = await world.embedded.vault.open('mailbox-credential', id, tried.credential);
    expect(Buffer.from(opened).toString()).toBe('pw-2');
  });

  it('keeps the id and gets the login id of its new login', async () => {
    await patch({ host: 'other.example.com' });
    const account = await stored();
    expect(account.id).toBe(id);
    expect(account.loginId).not.toBe(id);
    await patch({ host: 'imap.example.com' });
    expect((await stored()).loginId).toBe(id);
  });

  it('makes an account active again whose login was refused, and leaves a paused one paused', async () => {
    await failLogin();
    expect((await patch({ password: 'pw-2' })).body).toMatchObject({ state: 'active', reason: null });
    await post('pause');
    expect((await patch({ password: 'pw-3' })).body).toMatchObject({ state: 'paused' });
  });

  it('does not make it active for a setting that has nothing to do with the login', async () => {
    await failLogin();
    expect((await patch({ intervalSeconds: 60 })).body.state).toBe('auth_failed');
  });

  it('refuses a name and a login that another account has', async () => {
    await world.call('POST', '/v1/accounts', accountBody({ name: 'bob', username: 'bob', skipTest: true }));
    expect(await patch({ name: 'bob' })).toMatchObject({ status: 409, body: { code: 'name-taken' } });
    expect(await patch({ username: 'bob' })).toMatchObject({ status: 409, body: { code: 'login-taken' } });
  });

  it('checks rules on the settings as they would be together', async () => {
    await patch({ deleteAfterDays: 3 });
    expect((await patch({ onDelivered: 'delete' })).body.errors[0]?.path).toBe('deleteAfterDays');
    expect((await patch({ onDelivered: 'delete', deleteAfterDays: null })).status).toBe(200);
  });

  it.each([{ protocol: 'pop3' }, { state: 'active' }, { id: 'acc_aaaaaaaaaaaaaaaa' }, { held: 0 }])(
    'refuses %j, which is not for its owner to change',
    async (change) => {
      expect((await patch(change)).body.errors).toEqual([
        { path: Object.keys(change)[0], message: `Unknown key "${Object.keys(change)[0]}"` },
      ]);
    },
  );

  it('refuses a host that egress forbids', async () => {
    expect(await patch({ host: '169.254.169.254' })).toMatchObject({ status: 422, body: { code: 'egress' } });
  });
});

describe('pausing, resuming and rebaselining', () => {
  it('pauses with a reason and resumes without a back-off', async () => {
    expect((await post('pause')).body).toMatchObject({ state: 'paused', reason: 'paused by its owner' });
    expect((await post('resume')).body).toMatchObject({ state: 'active', reason: null });
  });

  it('keeps on resume the number of held messages that the next poll may let through', async () => {
    await world.embedded.store.updateAccount(id, { state: 'paused', reason: 'too many', held: 500 });
    expect((await post('resume')).body).toMatchObject({ state: 'active', held: 500 });
  });

  it('takes what is there now as known, and ends a halt of the flood guard', async () => {
    await world.embedded.store.updateAccount(id, { state: 'paused', reason: 'too many', held: 500 });
    expect((await post('rebaseline')).body).toMatchObject({ state: 'active', reason: null, held: 0 });
    expect(world.operations.baselines).toEqual([{ id, start: { kind: 'now' } }]);
  });

  it('leaves an account paused that its owner paused', async () => {
    await post('pause');
    expect((await post('rebaseline')).body).toMatchObject({ state: 'paused' });
  });

  it('says that a poll is under way when the baseline could not be taken for that', async () => {
    world.operations.report = { ...quietReport, outcome: 'busy' };
    expect(await post('rebaseline')).toMatchObject({ status: 422, body: { code: 'busy' } });
  });

  it('logs in for a test and changes nothing', async () => {
    expect((await post('test')).body).toEqual({ ok: true, mailboxes: [{ name: 'INBOX', messages: 3 }] });
    world.operations.test = { ok: false, code: 'tls', message: 'self-signed certificate' };
    expect(await post('test')).toMatchObject({ status: 422, body: { code: 'tls' } });
    expect((await stored()).state).toBe('active');
  });
});

describe('an account that is being added', () => {
  it('cannot be changed before that has ended', async () => {
    const answers: number[] = [];
    world.operations.duringBaseline = async () => {
      const one = '/v1/accounts/new';
      answers.push((await world.call('PATCH', one, { intervalSeconds: 60 })).status);
      for (const verb of ['pause', 'resume', 'rebaseline']) {
        answers.push((await world.call('POST', `${one}/${verb}`)).status);
      }
    };
    await world.call('POST', '/v1/accounts', accountBody({ name: 'new', username: 'new' }));
    expect(answers).toEqual([409, 409, 409, 409]);
  });
});
