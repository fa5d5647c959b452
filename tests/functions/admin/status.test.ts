import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountDetailSchema } from '../../../functions/admin/account-schema.ts';
import { type AdminWorld, accountBody, accountId, createAdminWorld } from '../../support/admin-world.ts';
import { quietReport } from '../../support/fake-operations.ts';

let world: AdminWorld;
beforeEach(async () => {
  world = await createAdminWorld();
});
afterEach(() => world.close());

const status = async () => (await world.call('GET', '/v1/status')).body;
const warnings = async () => (await status()).warnings.map(({ code }: { code: string }) => code);

describe('status', () => {
  it('of a fresh start has every count at zero and nothing to warn of', async () => {
    expect(await status()).toEqual({
      version: '1.2.3',
      accounts: { active: 0, paused: 0, auth_failed: 0, error: 0 },
      messages: { pending: 0, oldestPendingSeconds: null, waiting: 0, oldestWaitingSeconds: null },
      deliveries: {
        pending: 0,
        parked: 0,
        delivered: 0,
        skipped: 0,
        exhausted: 0,
        rejected: 0,
        cancelled: 0,
      },
      lastTickAt: null,
      warnings: [],
    });
  });

  it('warns of accounts whose mail nobody takes, until a webhook selects them', async () => {
    await world.call('POST', '/v1/accounts', accountBody());
    expect(await warnings()).toEqual(['accounts-without-webhook']);
    await world.call('POST', '/v1/webhooks', { url: 'http://127.0.0.1:3000/' });
    expect(await warnings()).toEqual([]);
  });

  it('counts what is pending and how long the oldest has waited', async () => {
    const { body } = await world.call('POST', '/v1/accounts', accountBody());
    await world.call('POST', '/v1/webhooks', { url: 'http://127.0.0.1:3000/' });
    await world.commit(body.id, ['one', 'two']);
    world.clock.advance(90_500);
    expect(await status()).toMatchObject({
      accounts: { active: 1 },
      messages: { pending: 2, oldestPendingSeconds: 90 },
      deliveries: { pending: 2 },
    });
  });

  it('counts what could not be fetched yet, says for how long, and the account says why', async () => {
    const { body } = await world.call('POST', '/v1/accounts', accountBody());
    await world.call('POST', '/v1/webhooks', { url: 'http://127.0.0.1:3000/' });
    const openedAt = world.clock.now().toISOString();
    await world.openGaps(body.id, [
      'Cannot fetch the message with UID 7',
      'Cannot fetch the message with UID 12',
      'no',
    ]);
    world.clock.advance(90_500);
    expect((await status()).messages).toMatchObject({ waiting: 3, oldestWaitingSeconds: 90 });
    expect(await warnings()).toEqual(['messages-waiting']);
    const account = (await world.call('GET', '/v1/accounts/ana')).body;
    const nextTryAt = new Date(Date.parse(openedAt) + 60_000).toISOString();
    expect(account.waiting).toEqual({
      messages: 3,
      oldestAt: openedAt,
      reasons: [
        { error: 'Cannot fetch the message with UID …', messages: 2, nextTryAt },
        { error: 'no', messages: 1, nextTryAt },
      ],
    });
    expect(accountDetailSchema.strict().safeParse(account).success).toBe(true);
  });

  it('warns of refused logins and of a schedule that stands still', async () => {
    const { body } = await world.call('POST', '/v1/accounts', accountBody());
    await world.embedded.store.updateAccount(accountId(body), { state: 'auth_failed', reason: 'refused' });
    await world.embedded.store.saveTick(world.clock.now());
    expect(await warnings()).toEqual(['accounts-auth-failed']);
    world.clock.advance(5 * 60_000 + 1);
    expect(await warnings()).toEqual(['accounts-auth-failed', 'tick-late']);
  });
});

describe('poll', () => {
  let ids: string[];
  beforeEach(async () => {
    const ana = await world.call('POST', '/v1/accounts', accountBody());
    const bob = await world.call('POST', '/v1/accounts', accountBody({ name: 'bob', username: 'bob' }));
    ids = [ana.body.id, bob.body.id];
  });

  it('polls all accounts without a name, and those that are named', async () => {
    await world.call('POST', '/v1/poll');
    await world.call('POST', '/v1/poll', {});
    await world.call('POST', '/v1/poll', { accounts: ['bob', ids[1]] });
    expect(world.operations.polled).toEqual([ids, ids, [ids[1]]]);
  });

  it('answers with the reports of the contract', async () => {
    world.operations.report = {
      ...quietReport,
      outcome: 'error',
      error: { code: 'network', message: 'no route' },
    };
    expect((await world.call('POST', '/v1/poll', { accounts: ['ana'] })).body).toEqual({
      accounts: [
        {
          name: ids[0],
          outcome: 'error',
          listed: 0,
          new: 0,
          committed: 0,
          settled: 0,
          error: { code: 'network', message: 'no route' },
        },
      ],
    });
  });

  it('polls nothing when one of the names is unknown', async () => {
    expect((await world.call('POST', '/v1/poll', { accounts: ['ana', 'nobody'] })).status).toBe(404);
    expect(world.operations.polled).toEqual([]);
  });

  it.each([{ accounts: [] }, { accounts: 'ana' }, { account: ['ana'] }])('refuses %j', async (body) => {
    expect((await world.call('POST', '/v1/poll', body)).status).toBe(400);
  });
});
