import { expect, it } from 'vitest';
import { type Account, formatServerAction } from '../../shared/account.ts';
import type { EventId } from '../../shared/identity.ts';
import { FIRST } from './fixtures.ts';
import type { StoreTests } from './scene.ts';

export const accountTests: StoreTests = (scene) => {
  it('createAccount() keeps every field', async () => {
    const account: Account = scene().account('ana@example.com', {
      ...{
        name: 'Büro',
        protocol: 'imap',
        security: 'starttls',
        port: 143,
        mailboxes: ['INBOX', 'Gesendete Ü'],
      },
      ...{
        intervalSeconds: 7,
        start: { kind: 'since', date: '2026-01-31' },
        onFailed: { kind: 'flag', keyword: '\\Flagged' },
      },
      ...{ onDelivered: { kind: 'move', mailbox: 'Erledigt ✓' }, deleteAfterDays: 9, maxSizeBytes: 77 },
      ...{
        caPem: '-----BEGIN CERTIFICATE-----\n…',
        tlsAllowInvalidCertificate: true,
        state: 'paused',
        reason: 'adding',
      },
      ...{ held: 3, notBefore: '2026-11-25T09:00:00.000Z', consecutiveFailures: 2, transitions: 4 },
      ...{ lastPollAt: '2026-11-25T07:00:00.000Z', lastSuccessAt: '2026-11-25T06:00:00.000Z' },
      lastError: { code: 'tls', message: 'no', at: '2026-11-25T07:00:00.000Z' },
    });
    expect(await scene().store.createAccount(account)).toBe('ok');
    expect(await scene().store.account(account.id)).toEqual(account);
    expect(await scene().store.accountByName('Büro')).toEqual(account);
    expect(formatServerAction(account.onDelivered)).toBe('move:Erledigt ✓');
  });

  it('account() and accountByName() are null for what is not there', async () => {
    expect(await scene().store.account(scene().account().id)).toBeNull();
    expect(await scene().store.accountByName('nobody')).toBeNull();
  });

  it('createAccount() refuses a name that is there, whatever its case', async () => {
    await scene().addAccount('ana', { name: 'Ärger' });
    expect(await scene().store.createAccount(scene().account('bo', { name: 'äRGER' }))).toBe('name-taken');
    expect(await scene().store.accountByName('ÄRGER')).toMatchObject({ username: 'ana' });
  });

  it('createAccount() refuses a login that is there', async () => {
    const account = await scene().addAccount('ana');
    expect(await scene().store.createAccount({ ...account, name: 'another' })).toBe('login-taken');
    expect((await scene().store.accounts(FIRST)).data).toHaveLength(1);
  });

  it('createAccount() by two at once adds one', async () => {
    const { store } = scene();
    const [one, two] = [scene().account('ana', { name: 'x' }), scene().account('bo', { name: 'X' })];
    const answers = await Promise.all([store.createAccount(one), store.createAccount(two)]);
    expect(answers.sort()).toEqual(['name-taken', 'ok']);
  });

  it('createAccount() and updateAccount() refuse every login that another account ever had', async () => {
    const { store } = scene();
    const ana = await scene().addAccount('ana');
    const bo = await scene().addAccount('bo');
    const [second, third] = ['two', 'three'].map((host) => scene().account('ana', { host }));
    if (second === undefined || third === undefined) throw new Error('There are two');
    for (const { host, id } of [second, third]) await store.updateAccount(ana.id, { host, loginId: id });
    for (const login of [ana, second, third]) {
      expect(await store.createAccount({ ...login, name: 'another' })).toBe('login-taken');
      expect(await store.updateAccount(bo.id, { loginId: login.id })).toBe('login-taken');
      expect(await store.updateAccount(ana.id, { loginId: login.id })).toMatchObject({ loginId: login.id });
    }
    await store.removeAccount(ana.id);
    for (const login of [ana, second, third]) {
      expect(await store.createAccount({ ...login, name: `again ${login.host}` })).toBe('ok');
    }
  });

  it.each(['createAccount()', 'updateAccount()'])(
    '%s with a login whose account is being removed waits until its events are gone: they would pass for known ones',
    async (method) => {
      const { store } = scene();
      const { id: webhookId } = await scene().addWebhook();
      const ana = await scene().addAccount('ana');
      const bo = await scene().addAccount('bo');
      const moved = scene().account('ana', { host: 'new.example.com' });
      const last = scene().account('ana', { host: 'last.example.com' });
      await store.updateAccount(ana.id, { host: moved.host, loginId: moved.id });
      const ids = await scene().commit({ ...ana, loginId: moved.id }, [webhookId], 450);
      await store.updateAccount(ana.id, { host: last.host, loginId: last.id });
      const removal = store.removeAccount(ana.id);
      const attempt = async () =>
        method === 'createAccount()'
          ? await store.createAccount({ ...moved, name: 'next' })
          : await store.updateAccount(bo.id, { loginId: moved.id });
      let answer = await attempt();
      while (answer === 'login-taken' && (await store.account(ana.id)) !== null) answer = await attempt();
      expect(answer).not.toBe('login-taken');
      expect((await store.known(ids)).size).toBe(0);
      await removal;
      const owner = await store.account(method === 'createAccount()' ? moved.id : bo.id);
      expect(owner?.loginId).toBe(moved.id);
    },
  );

  it('updateAccount() changes what is given and nothing else', async () => {
    const { store } = scene();
    const account = await scene().addAccount();
    const change = { intervalSeconds: 60, mailboxes: ['INBOX', 'Spam'], deleteAfterDays: 3, caPem: 'x' };
    expect(await store.updateAccount(account.id, change)).toEqual({ ...account, ...change });
    expect(await store.account(account.id)).toEqual({ ...account, ...change });
  });

  it('updateAccount() changes credential, state, reason and held', async () => {
    const account = await scene().addAccount();
    const change = { credential: 'other' as never, state: 'paused', reason: 'by hand', held: 2 } as const;
    expect(await scene().store.updateAccount(account.id, change)).toEqual({ ...account, ...change });
    const active = await scene().store.updateAccount(account.id, { state: 'active' });
    expect(active).toMatchObject({ state: 'active', reason: null });
  });

  it('updateAccount() with clearBackoff makes the next slot count', async () => {
    const { store } = scene();
    const account = await scene().addAccount('ana', {
      notBefore: '2027-01-01T00:00:00.000Z',
      consecutiveFailures: 5,
    });
    const cleared = await store.updateAccount(account.id, { clearBackoff: true });
    expect(cleared).toMatchObject({ notBefore: null, consecutiveFailures: 0 });
    const slot = { slot: scene().now.toISOString() };
    expect((await store.acquire(account.id, slot, scene().now, 1_000)).kind).toBe('acquired');
  });

  it('updateAccount() refuses the name or the login of another, and changes nothing then', async () => {
    const { store } = scene();
    const ana = await scene().addAccount('ana');
    const bo = await scene().addAccount('bo');
    expect(await store.updateAccount(bo.id, { name: 'ANA', held: 1 })).toBe('name-taken');
    expect(await store.updateAccount(bo.id, { username: 'ana', loginId: ana.id, held: 1 })).toBe(
      'login-taken',
    );
    expect(await store.account(bo.id)).toEqual(bo);
    expect(await store.updateAccount(bo.id, { name: 'BO' })).toMatchObject({ name: 'BO' });
  });

  it('updateAccount() of one that is not there is gone', async () => {
    expect(await scene().store.updateAccount(scene().account().id, { held: 1 })).toBe('gone');
  });

  it('accounts() gives all in pages, each once, though others are added meanwhile', async () => {
    const { store } = scene();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await scene().addAccount(name);
    const first = await store.accounts({ after: null, limit: 2 });
    await scene().addAccount('f');
    const second = await store.accounts({ after: first.next, limit: 2 });
    const third = await store.accounts({ after: second.next, limit: 2 });
    const names = [first, second, third].flatMap(({ data }) => data.map(({ name }) => name));
    expect(names.sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(third.next).toBeNull();
  });

  it('accounts() takes a cursor that is not ours for none', async () => {
    const { store } = scene();
    await scene().addAccount();
    for (const after of ['nonsense', '', "a'; DROP TABLE accounts", 'a'.repeat(10_000)]) {
      expect((await store.accounts({ after, limit: 5 })).data).toHaveLength(1);
    }
  });

  it('removeAccount() removes it with everything of it, and nothing of others', async () => {
    const { store, now } = scene();
    const ana = await scene().addAccount('ana', { onDelivered: { kind: 'delete' } });
    const bo = await scene().addAccount('bo');
    const { id: webhookId } = await scene().addWebhook();
    const ofAna = await scene().commit(ana, [webhookId], 120);
    const [ofBo] = await scene().commit(bo, [webhookId]);
    await scene().end({ eventId: ofAna[0] as EventId, webhookId }, scene().delivered());
    const fence = await scene().lease(ana.id);
    const gap = { item: scene().listed(), dueAt: now, error: 'no' };
    await store.saveProgress(fence, scene().progress({ cursor: scene().cursor(), opened: [gap] }), now);
    expect(await store.removeAccount(ana.id)).toBe('ok');
    expect(await store.removeAccount(ana.id)).toBe('gone');
    expect(await store.account(ana.id)).toBeNull();
    expect((await store.known(ofAna)).size).toBe(0);
    expect(await store.pollState(ana.id, now)).toEqual({ cursors: [], gaps: [], settlements: [] });
    expect((await store.deliveries({}, FIRST)).data.map(({ eventId }) => eventId)).toEqual([ofBo]);
    expect((await store.counts()).deliveries).toMatchObject({ pending: 1, delivered: 0 });
    scene().clock.advance(3_600_000);
    expect(await store.dueWork(scene().now, 10)).toEqual([
      { kind: 'delivery', ref: { eventId: ofBo, webhookId } },
    ]);
  });

  it('removeAccount() forgets its events: added again, its messages are new', async () => {
    const { store, now } = scene();
    const account = await scene().addAccount();
    const fence = await scene().lease(account.id);
    const event = await scene().event(account, []);
    await store.commit(fence, [event], now);
    await store.removeAccount(account.id);
    await scene().addAccount();
    const body = await scene().blobs.put('event', Buffer.from('once more'));
    const again = { ...event, body, raw: null };
    expect(await store.commit(await scene().lease(account.id), [again], now)).toMatchObject({
      committed: [event.id],
    });
  });

  it('counts() counts accounts by state, and active ones without an enabled webhook', async () => {
    const { store } = scene();
    const ana = await scene().addAccount('ana');
    const bo = await scene().addAccount('bo');
    await scene().addAccount('cy', { state: 'paused' });
    expect(await store.counts()).toMatchObject({
      ...{ accounts: { active: 2, paused: 1, auth_failed: 0, error: 0 }, accountsWithoutWebhook: 2 },
    });
    await scene().addWebhook({ accounts: [ana.id] });
    const all = await scene().addWebhook({ state: 'disabled' });
    await scene().addWebhook({ accounts: [bo.id], state: 'disabled' });
    expect((await store.counts()).accountsWithoutWebhook).toBe(1);
    await store.updateWebhook(all.id, { state: 'enabled' }, scene().now);
    expect((await store.counts()).accountsWithoutWebhook).toBe(0);
  });
};
