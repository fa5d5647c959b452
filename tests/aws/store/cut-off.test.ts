import { describe, expect, it } from 'vitest';
import { MINUTE, TTL } from '../../contract/fixtures.ts';
import { openScene } from './dynamo-scene.ts';
import { type SeenRequest, stop } from './faults.ts';
import { message } from './message.ts';

describe('a process that ends in the middle', () => {
  it('saveProgress() of very much has not moved the cursor', async () => {
    const { scene, client, other } = await openScene();
    const { id } = await scene.addAccount();
    const fence = await scene.lease(id);
    const opened = Array.from({ length: 150 }, () => {
      return { item: scene.listed(), dueAt: scene.now, error: 'no' };
    });
    let transactions = 0;
    const second = ({ operation }: SeenRequest) => operation === 'TransactWriteItems' && ++transactions === 2;
    stop(client, second);
    const progress = scene.progress({ opened, cursor: scene.cursor() });
    await expect(scene.store.saveProgress(fence, progress, scene.now)).rejects.toThrow('ended');
    const { store } = other();
    const state = await store.pollState(id, scene.now);
    expect(state.cursors).toEqual([]);
    expect(state.gaps).toHaveLength(99);
    expect(await store.saveProgress(fence, progress, scene.now)).toBe('ok');
    expect(await store.pollState(id, scene.now)).toMatchObject({ cursors: [scene.cursor()] });
    expect((await store.pollState(id, scene.now)).gaps).toHaveLength(150);
  });

  it('removeAccount() leaves no delivery behind whose event is gone', async () => {
    const { scene, client, maintain, other } = await openScene();
    const { account, eventId, refs } = await message(scene, 2);
    let deletions = 0;
    const fault = stop(client, ({ operation }) => operation === 'BatchWriteItem' && ++deletions === 2);
    await expect(scene.store.removeAccount(account.id)).rejects.toThrow('ended');
    expect((await other().store.known([eventId])).size).toBe(1);
    fault.active = false;
    scene.clock.advance(MINUTE);
    await maintain(scene.now, () => true);
    expect((await other().store.known([eventId])).size).toBe(0);
    for (const ref of refs) expect(await other().store.delivery(ref)).toBeNull();
  });

  it('release() with a backlog that was announced, and no more, does no harm', async () => {
    const { scene, client, other } = await openScene();
    const { id } = await scene.addAccount();
    const fence = await scene.lease(id);
    let updates = 0;
    stop(client, ({ operation }) => operation === 'UpdateItem' && ++updates === 2);
    const health = scene.health({ backlogAt: scene.now });
    await expect(scene.store.release(fence, health)).rejects.toThrow('ended');
    const { store } = other();
    expect(await store.dueWork(scene.now, 10)).toEqual([]);
    expect((await store.acquire(id, 'manual', scene.now, TTL)).kind).toBe('busy');
    expect(await store.renew(fence, scene.now, TTL)).toBe(true);
    await store.release(fence, health);
    expect(await store.dueWork(scene.now, 10)).toMatchObject([{ kind: 'account', id }]);
  });
});
