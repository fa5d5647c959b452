import { expect, it } from 'vitest';
import type { AccountId } from '../../shared/identity.ts';
import { MINUTE, SECOND } from './fixtures.ts';
import type { Scene, StoreTests } from './scene.ts';

/** The slots that a tick finds, by account. */
async function slots(scene: Scene, sinceMs: number, nowMs: number): Promise<Map<AccountId, number>> {
  const found = new Map<AccountId, number>();
  for await (const { id, slot } of scene.store.dueAccounts(new Date(sinceMs), new Date(nowMs))) {
    expect(found.has(id)).toBe(false);
    found.set(id, slot.getTime());
  }
  return found;
}

export const scheduleTests: StoreTests = (scene) => {
  it('dueAccounts() finds each account once in every interval, with a slot in (since, now]', async () => {
    const { clock } = scene();
    const ana = await scene().addAccount('ana', { intervalSeconds: 60 });
    const bo = await scene().addAccount('bo', { intervalSeconds: 300 });
    const found = { [ana.id]: new Set<number>(), [bo.id]: new Set<number>() };
    const startMs = clock.nowMs;
    for (let sinceMs = startMs; sinceMs < startMs + 10 * MINUTE; sinceMs += 20 * SECOND) {
      for (const [id, slot] of await slots(scene(), sinceMs, sinceMs + 20 * SECOND)) {
        expect(slot).toBeGreaterThan(sinceMs);
        expect(slot).toBeLessThanOrEqual(sinceMs + 20 * SECOND);
        expect(found[id]?.has(slot)).toBe(false);
        found[id]?.add(slot);
      }
    }
    expect(found[ana.id]?.size).toBe(10);
    expect(found[bo.id]?.size).toBe(2);
  });

  it('dueAccounts() gives the newest slot alone after a standstill', async () => {
    const { clock } = scene();
    const { id } = await scene().addAccount('ana', { intervalSeconds: 60 });
    const found = await slots(scene(), clock.nowMs - 60 * MINUTE, clock.nowMs);
    expect(found.size).toBe(1);
    expect(found.get(id)).toBeGreaterThan(clock.nowMs - MINUTE);
  });

  it('dueAccounts() finds nothing when no time has passed', async () => {
    const { clock } = scene();
    await scene().addAccount();
    expect((await slots(scene(), clock.nowMs, clock.nowMs)).size).toBe(0);
  });

  it('dueAccounts() keeps to the interval that was changed', async () => {
    const { clock, store } = scene();
    const { id } = await scene().addAccount('ana', { intervalSeconds: 3_600 });
    await store.updateAccount(id, { intervalSeconds: 60 });
    expect((await slots(scene(), clock.nowMs - MINUTE, clock.nowMs)).has(id)).toBe(true);
  });

  it.each(['paused', 'auth_failed', 'error'] as const)(
    'dueAccounts() leaves out an account that is %s',
    async (state) => {
      const { clock } = scene();
      await scene().addAccount('ana', { state });
      expect((await slots(scene(), clock.nowMs - 60 * MINUTE, clock.nowMs)).size).toBe(0);
    },
  );

  it('dueAccounts() tells the host, by which polls are grouped', async () => {
    const { clock, store } = scene();
    await scene().addAccount('ana', { host: 'mail.example.org' });
    const hosts: string[] = [];
    const since = new Date(clock.nowMs - 60 * MINUTE);
    for await (const { host } of store.dueAccounts(since, clock.now())) hosts.push(host);
    expect(hosts).toEqual(['mail.example.org']);
  });

  it('saveTick() is what lastTick() gives back, null before the first', async () => {
    const { store, now } = scene();
    expect(await store.lastTick()).toBeNull();
    await store.saveTick(now);
    expect(await store.lastTick()).toEqual(now);
    const later = new Date(now.getTime() + SECOND);
    await store.saveTick(later);
    expect(await store.lastTick()).toEqual(later);
    expect((await store.counts()).lastTickAt).toEqual(later);
  });
};
