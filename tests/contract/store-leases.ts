import { expect, it } from 'vitest';
import type { AccountError } from '../../shared/account.ts';
import type { AccountId } from '../../shared/identity.ts';
import { MINUTE, SECOND, TTL } from './fixtures.ts';
import type { Scene, StoreTests } from './scene.ts';

const acquire = (scene: Scene, id: AccountId, reason: Parameters<Scene['store']['acquire']>[1] = 'manual') =>
  scene.store.acquire(id, reason, scene.now, TTL);

const failure: AccountError = { code: 'network', message: 'no route', at: '2026-11-25T08:00:00.000Z' };

export const leaseTests: StoreTests = (scene) => {
  it('acquire() gives the lease once, with the account as it is', async () => {
    const account = await scene().addAccount();
    const first = await acquire(scene(), account.id);
    expect(first).toMatchObject({ kind: 'acquired', account });
    expect(await acquire(scene(), account.id)).toEqual({ kind: 'busy' });
  });

  it('acquire() called twice at once gives one lease', async () => {
    const { id } = await scene().addAccount();
    const both = await Promise.all([acquire(scene(), id), acquire(scene(), id)]);
    expect(both.map(({ kind }) => kind).sort()).toEqual(['acquired', 'busy']);
  });

  it('acquire() takes a lease that has ended, and fences whoever had it', async () => {
    const account = await scene().addAccount();
    const old = await scene().lease(account.id);
    scene().clock.advance(TTL);
    await scene().lease(account.id);
    const event = await scene().event(account, []);
    const { store, now } = scene();
    expect(await store.commit(old, [event], now)).toBe('fenced');
    expect(await store.saveProgress(old, scene().progress({ cursor: scene().cursor() }), now)).toBe('fenced');
    expect(await store.renew(old, now, TTL)).toBe(false);
    await store.release(old, scene().health());
    expect(await acquire(scene(), account.id)).toEqual({ kind: 'busy' });
    expect(await store.message(event.id)).toBeNull();
    expect((await store.pollState(account.id, now)).cursors).toEqual([]);
  });

  it('renew() makes the lease last', async () => {
    const { id } = await scene().addAccount();
    const fence = await scene().lease(id);
    scene().clock.advance(TTL - SECOND);
    expect(await scene().store.renew(fence, scene().now, TTL)).toBe(true);
    scene().clock.advance(TTL - SECOND);
    expect(await acquire(scene(), id)).toEqual({ kind: 'busy' });
  });

  it('release() ends the lease: the next poll may begin, and the fence is worth nothing', async () => {
    const { id } = await scene().addAccount();
    const fence = await scene().lease(id);
    await scene().store.release(fence, scene().health());
    expect(await scene().store.renew(fence, scene().now, TTL)).toBe(false);
    expect((await acquire(scene(), id)).kind).toBe('acquired');
  });

  it('acquire() takes a slot once, and only a newer one after it', async () => {
    const { id } = await scene().addAccount();
    const slot = (ms: number) => ({ slot: new Date(scene().clock.nowMs + ms).toISOString() });
    const now = slot(0);
    const first = await acquire(scene(), id, now);
    if (first.kind !== 'acquired') throw new Error(first.kind);
    await scene().store.release(first.fence, scene().health());
    expect(await acquire(scene(), id, now)).toEqual({ kind: 'not-due' });
    expect(await acquire(scene(), id, slot(-MINUTE))).toEqual({ kind: 'not-due' });
    expect((await acquire(scene(), id, slot(MINUTE))).kind).toBe('acquired');
  });

  it.each(['slot', 'backlog'] as const)(
    'acquire() for a %s waits until the back-off has passed',
    async (why) => {
      const { id } = await scene().addAccount();
      const { store, clock } = scene();
      const reason = () => (why === 'slot' ? { slot: clock.now().toISOString() } : why);
      const fence = await scene().lease(id);
      const notBefore = new Date(clock.nowMs + MINUTE);
      await store.release(fence, scene().health({ error: failure, notBefore }));
      expect(await acquire(scene(), id, reason())).toEqual({ kind: 'not-due' });
      clock.advance(MINUTE);
      expect((await acquire(scene(), id, reason())).kind).toBe('acquired');
    },
  );

  it('acquire() by hand ignores a back-off', async () => {
    const { id } = await scene().addAccount('ana', { notBefore: '2027-01-01T00:00:00.000Z' });
    expect((await acquire(scene(), id)).kind).toBe('acquired');
  });

  it.each([
    ['paused', 'inactive', 'inactive', 'acquired'],
    ['auth_failed', 'inactive', 'acquired', 'acquired'],
    ['error', 'inactive', 'acquired', 'acquired'],
  ] as const)(
    'acquire() of an account that is %s: backlog %s, manual %s, baseline %s',
    async (state, backlog, manual, baseline) => {
      const expected = { backlog, manual, baseline };
      for (const reason of ['backlog', 'manual', 'baseline'] as const) {
        const { id } = await scene().addAccount(`${state} ${reason}`, { state });
        const answer = await acquire(scene(), id, reason);
        expect(answer.kind).toBe(expected[reason]);
        if (answer.kind === 'inactive') expect(answer.state).toBe(state);
      }
      const slotted = await scene().addAccount(`${state} slot`, { state });
      const slot = scene().now.toISOString();
      expect(await acquire(scene(), slotted.id, { slot })).toEqual({ kind: 'inactive', state });
    },
  );

  it('acquire() of an account that is not there is gone', async () => {
    expect(await acquire(scene(), scene().account().id)).toEqual({ kind: 'gone' });
  });

  it('release() after a good poll sets the times and clears the failures', async () => {
    const { store, clock } = scene();
    const { id } = await scene().addAccount('ana', { consecutiveFailures: 3, lastError: failure });
    clock.advance(MINUTE);
    await store.release(await scene().lease(id), scene().health({ transitions: 4 }));
    const at = scene().now.toISOString();
    expect(await store.account(id)).toMatchObject({
      ...{ lastPollAt: at, lastSuccessAt: at, lastError: null, consecutiveFailures: 0, transitions: 4 },
    });
  });

  it('release() after a failed poll keeps the error and counts it', async () => {
    const { store } = scene();
    const { id } = await scene().addAccount();
    const notBefore = new Date(scene().clock.nowMs + MINUTE);
    for (let failures = 1; failures <= 2; failures++) {
      await store.release(await scene().lease(id), scene().health({ error: failure, notBefore, held: 5 }));
      expect(await store.account(id)).toMatchObject({
        ...{ state: 'active', lastSuccessAt: null, lastError: failure, consecutiveFailures: failures },
        ...{ held: 5, notBefore: notBefore.toISOString(), lastPollAt: scene().now.toISOString() },
      });
    }
  });

  it('release() after a poll that was good but for one mailbox shows the error, and counts as a good one', async () => {
    const { store, now } = scene();
    const { id } = await scene().addAccount('ana', { consecutiveFailures: 3, state: 'error', reason: 'no' });
    const error = { ...failure, code: 'mailbox' } as const;
    await store.release(await scene().lease(id), scene().health({ error, partial: true }));
    expect(await store.account(id)).toMatchObject({
      ...{ state: 'active', lastError: error, consecutiveFailures: 0, lastSuccessAt: now.toISOString() },
    });
  });

  it('release() changes the state with its reason when told so', async () => {
    const { store } = scene();
    const { id } = await scene().addAccount();
    const state = { state: 'auth_failed', reason: 'refused' } as const;
    await store.release(
      await scene().lease(id),
      scene().health({ error: { ...failure, code: 'auth' }, state }),
    );
    expect(await store.account(id)).toMatchObject(state);
  });

  it.each(['auth_failed', 'error'] as const)(
    'release() after a good poll makes an account active that was %s',
    async (state) => {
      const { id } = await scene().addAccount('ana', { state, reason: 'refused' });
      await scene().store.release(await scene().lease(id), scene().health());
      expect(await scene().store.account(id)).toMatchObject({ state: 'active', reason: null });
    },
  );

  it('release() after a baseline leaves a paused account paused', async () => {
    const { store } = scene();
    const { id } = await scene().addAccount('ana', { state: 'paused', reason: 'adding' });
    const acquired = await acquire(scene(), id, 'baseline');
    if (acquired.kind !== 'acquired') throw new Error(acquired.kind);
    await store.release(acquired.fence, scene().health());
    expect(await store.account(id)).toMatchObject({ state: 'paused', reason: 'adding' });
  });

  it('release() does not undo what the owner changed during the poll', async () => {
    const { store } = scene();
    const { id } = await scene().addAccount('ana', { state: 'auth_failed', reason: 'refused' });
    const fence = await scene().lease(id);
    await store.updateAccount(id, {
      credential: 'new' as never,
      state: 'active',
      clearBackoff: true,
      held: 0,
    });
    const state = { state: 'auth_failed', reason: 'refused' } as const;
    const notBefore = new Date(scene().clock.nowMs + MINUTE);
    await store.release(fence, scene().health({ error: failure, state, notBefore, held: 7 }));
    expect(await store.account(id)).toMatchObject({
      state: 'active',
      reason: null,
      notBefore: null,
      held: 0,
    });
  });
};
