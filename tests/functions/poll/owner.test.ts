import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccountId } from '../../../shared/identity.ts';
import { MINUTE_MS, openPollScene, type PollScene } from '../../support/poll-scene.ts';
import { addWebhook } from '../../support/poll-world.ts';

let scene: PollScene;

beforeEach(async () => {
  scene = await openPollScene();
});
afterEach(() => scene[Symbol.asyncDispose]());

describe('a flood that its owner let through', () => {
  it('is not held again when one poll does not get through it', async () => {
    const { id } = await scene.add();
    await scene.world.poll(id);
    scene.inbox().renumber();
    scene.world.clock.time += MINUTE_MS;
    scene.arrive(300);
    expect((await scene.world.poll(id))?.error?.code).toBe('flood-held');
    expect((await scene.account(id)).lastError?.code).toBe('flood-held');
    await scene.world.deps.store.updateAccount(id, { state: 'active', clearBackoff: true });
    let fetched = 0;
    scene.during.fetched = (one) => {
      fetched += 1;
      // The time of the session is up.
      if (fetched === 60) scene.world.clock.time += 2 * MINUTE_MS;
      return one;
    };
    await scene.pollBySchedule(id);
    expect((await scene.world.messages()).length).toBe(60);
    expect(await scene.world.poll(id)).toMatchObject({ outcome: 'ok', committed: 240 });
    expect(await scene.account(id)).toMatchObject({ state: 'active', held: 0 });
  });
});

describe('what its owner changes while an account is polled', () => {
  const meanwhile = (change: Parameters<PollScene['world']['deps']['store']['updateAccount']>[1]) => {
    scene.during.fetched = async (one) => {
      await scene.world.deps.store.updateAccount(id, change);
      return one;
    };
  };
  let id: AccountId;
  beforeEach(async () => {
    await addWebhook(scene.world);
    id = (await scene.add({ onDelivered: { kind: 'delete' } })).id;
    scene.arrive(1);
    await scene.world.poll(id);
    await scene.deliverAll();
    scene.arrive(1);
  });

  it('takes back what was decided for the server', async () => {
    meanwhile({ onDelivered: { kind: 'none' } });
    await scene.world.poll(id);
    expect(scene.inbox().mails.length).toBe(2);
    const [first] = await scene.world.messages();
    expect(first?.event.settlement.state).toBe('void');
  });

  it('lets nothing happen on the server once the account is paused, and all of it after it is resumed', async () => {
    meanwhile({ state: 'paused', reason: 'paused by its owner' });
    await scene.world.poll(id);
    expect(scene.inbox().mails.length).toBe(2);
    expect((await scene.account(id)).state).toBe('paused');
    scene.during = {};
    await scene.world.deps.store.updateAccount(id, { state: 'active', reason: null });
    await scene.world.poll(id);
    expect(scene.inbox().mails.length).toBe(1);
  });

  it('ends a long poll once the account is paused', async () => {
    scene.arrive(200);
    let fetched = 0;
    scene.during.fetched = async (one) => {
      fetched += 1;
      if (fetched % 50 === 0) scene.world.clock.time += 2 * MINUTE_MS;
      if (fetched === 50) await scene.world.deps.store.updateAccount(id, { state: 'paused' });
      return one;
    };
    await scene.world.poll(id);
    expect(fetched).toBe(50);
  });
});

describe('a deletion that waits for its day', () => {
  it('waits longer when its owner keeps messages longer now', async () => {
    const days = (count: number) => count * 24 * 60 * MINUTE_MS;
    await addWebhook(scene.world);
    const { id } = await scene.add({ deleteAfterDays: 7 });
    scene.arrive(1);
    await scene.world.poll(id);
    await scene.deliverAll();
    await scene.world.deps.store.updateAccount(id, { deleteAfterDays: 20 });
    scene.world.clock.time += days(8);
    expect(await scene.world.poll(id)).toMatchObject({ outcome: 'ok', settled: 0 });
    expect((await scene.world.messages())[0]?.event.settlement).toMatchObject({ state: 'waiting' });
    scene.world.clock.time += days(11);
    await scene.world.poll(id);
    expect(scene.inbox().mails.length).toBe(1);
    scene.world.clock.time += days(2);
    await scene.world.poll(id);
    expect(scene.inbox().mails.length).toBe(0);
  });
});
