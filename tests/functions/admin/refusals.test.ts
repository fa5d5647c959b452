import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AdminWorld, accountBody, createAdminWorld } from '../../support/admin-world.ts';

let world: AdminWorld;
beforeAll(async () => {
  world = await createAdminWorld();
});
afterAll(() => world.close());

const addAccount = (change: Record<string, unknown>) =>
  world.call('POST', '/v1/accounts', accountBody(change));
const addWebhook = (change: Record<string, unknown>) =>
  world.call('POST', '/v1/webhooks', { url: 'https://hooks.example.com/mail', ...change });
const count = async (what: string) => (await world.call('GET', `/v1/${what}`)).body.data.length;

describe('an account', () => {
  it.each([
    [{ protocol: 'pop3', onDelivered: 'mark-seen' }, 'onDelivered'],
    [{ protocol: 'pop3', onDelivered: 'flag:Done' }, 'onDelivered'],
    [{ protocol: 'pop3', onDelivered: 'move:Done' }, 'onDelivered'],
    [{ protocol: 'pop3', onFailed: 'flag:Done' }, 'onFailed'],
    [{ protocol: 'pop3', start: 'since:2026-01-01' }, 'start'],
    [{ protocol: 'pop3', mailboxes: ['INBOX'] }, 'mailboxes'],
    [{ onFailed: 'delete' }, 'onFailed'],
    [{ onFailed: 'mark-seen' }, 'onFailed'],
    [{ onDelivered: 'delete', deleteAfterDays: 3 }, 'deleteAfterDays'],
    [{ onDelivered: 'move:Done', deleteAfterDays: 3 }, 'deleteAfterDays'],
    [{ mailboxes: [] }, 'mailboxes'],
    [{ mailboxes: ['INBOX', 'inbox'] }, 'mailboxes'],
    [{ start: 'since:2026-02-30' }, 'start'],
    [{ start: 'last:0' }, 'start'],
    [{ intervalSeconds: 4 }, 'intervalSeconds'],
    [{ intervalSeconds: '300' }, 'intervalSeconds'],
    [{ port: 65_536 }, 'port'],
    [{ host: 'imaps://imap.example.com' }, 'host'],
    [{ host: 'imap.example.com:993' }, 'host'],
    [{ host: '[2001:db8::1]:993' }, 'host'],
    [{ host: '' }, 'host'],
    [{ username: 'ana\r\nQUIT' }, 'username'],
    [{ password: 'a\nb' }, 'password'],
    [{ password: undefined }, 'password'],
    [{ password: '' }, 'password'],
    [{ name: 'acc_gu5xweqhvnooiclr' }, 'name'],
    [{ name: 'an\u202ea' }, 'name'],
    [{ name: ' ana' }, 'name'],
    [{ name: 'x'.repeat(101) }, 'name'],
    [{ caPem: 'no certificate' }, 'caPem'],
    [{ caPem: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' }, 'caPem'],
    [{ onDelivered: 'flag:two words' }, 'onDelivered'],
    [{ deleteAfterDays: 0 }, 'deleteAfterDays'],
    [{ skip_test: true }, 'skip_test'],
  ])('with %j is refused, and the field %s named', async (change, path) => {
    const answer = await addAccount(change);
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', title: expect.any(String) },
    });
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain(path);
    expect(await count('accounts')).toBe(0);
  });

  it('a host that egress forbids is told from one that cannot be reached', async () => {
    const answer = await addAccount({ host: '169.254.169.254' });
    expect(answer).toMatchObject({ status: 422, body: { code: 'egress' } });
    expect(world.operations.baselines).toEqual([]);
  });

  it('OAuth is not available yet, with or without a password', async () => {
    const answer = await addAccount({ password: undefined, oauth: { provider: 'google' } });
    expect(answer).toMatchObject({ status: 501, body: { code: 'not-available-yet' } });
  });
});

describe('a webhook', () => {
  it.each([
    [{ url: '' }, 'url'],
    [{ url: undefined }, 'url'],
    [{ secret: 'whsec_c2hvcnQ=' }, 'secret'],
    [{ secret: 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }, 'secret'],
    [{ headers: { 'Content-Type': 'text/plain' } }, 'headers'],
    [{ headers: { 'webhook-id': 'x' } }, 'headers'],
    [{ headers: { 'X-A': 'a\r\nX-B: b' } }, 'headers'],
    [{ headers: { 'X A': 'a' } }, 'headers'],
    [{ events: [] }, 'events'],
    [{ events: ['mesage.*'] }, 'events[0]'],
    [{ accounts: [] }, 'accounts'],
    [{ timeoutSeconds: 0 }, 'timeoutSeconds'],
    [{ timeoutSeconds: 31 }, 'timeoutSeconds'],
    [{ name: 'wh_aaaaaaaaaaaaaaaa' }, 'name'],
    [{ filters: 'x' }, 'filters'],
  ])('refuses %j and names the field %s', async (change, path) => {
    const answer = await addWebhook(change);
    expect(answer.status).toBe(400);
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain(path);
  });

  it.each(['http://169.254.169.254/', 'ftp://example.com/', 'https://user:hunter2@example.com/', 'nonsense'])(
    'refuses the URL %s without repeating what it may hide',
    async (url) => {
      const answer = await addWebhook({ url });
      expect(answer).toMatchObject({ status: 422, body: { code: 'egress' } });
      expect(answer.text).not.toContain('hunter2');
    },
  );

  it.each([{ filter: '$exists(data.text)' }, { transform: '{"a": 1}' }, { maxPerMinute: 10 }])(
    'does not pretend that %j is available',
    async (change) => {
      expect(await addWebhook(change)).toMatchObject({ status: 501, body: { code: 'not-available-yet' } });
      expect(await count('webhooks')).toBe(0);
    },
  );
});
