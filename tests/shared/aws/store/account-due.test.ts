import { describe, expect, it } from 'vitest';
import { createDynamoStore } from '../../../../shared/aws/store/create-dynamo-store.ts';
import { createMemoryBlobs } from '../../../aws/store/memory-blobs.ts';
import { DAY, MINUTE, TestClock, TTL } from '../../../contract/fixtures.ts';
import { Scene } from '../../../contract/scene.ts';
import { createMemoryDynamo, type Spent } from '../../../support/dynamo/memory-dynamo.ts';

function open() {
  const spent: Spent[] = [];
  const clock = new TestClock();
  const { client } = createMemoryDynamo((one) => spent.push(one));
  const store = createDynamoStore({ client, table: 'table', clock });
  const scene = new Scene({ store, clock, blobs: createMemoryBlobs() });
  const due = async () => (await store.dueWork(scene.now, 100)).map(({ kind }) => kind);
  return { scene, store, clock, spent, due };
}

describe('when an account is due', () => {
  it('work that is due sooner than all that was known makes the account due sooner', async () => {
    const { scene, store, clock, due } = open();
    const account = await scene.addAccount('ana', { deleteAfterDays: 30 });
    const { id: webhookId } = await scene.addWebhook();
    const claim = await scene.commitAndClaim(account, webhookId);
    await store.finish([{ claim, outcome: scene.delivered() }], scene.now);
    clock.advance(10 * MINUTE);
    expect(await due()).toEqual([]);
    // A poll for a slot, which unlike one by hand does not itself have the account looked at again.
    const slot = { slot: scene.now.toISOString() };
    const acquired = await store.acquire(account.id, slot, scene.now, TTL);
    if (acquired.kind !== 'acquired') throw new Error(acquired.kind);
    const dueAt = new Date(clock.nowMs + MINUTE);
    const opened = [{ item: scene.listed(), dueAt, error: 'no' }];
    await store.saveProgress(acquired.fence, scene.progress({ opened }), scene.now);
    await store.release(acquired.fence, scene.health());
    expect(await due()).toEqual([]);
    clock.advance(MINUTE);
    expect(await due()).toEqual(['account']);
  });

  it('an account whose next work is far away is not looked at until then', async () => {
    const { scene, store, clock, spent, due } = open();
    const account = await scene.addAccount('ana', { deleteAfterDays: 30 });
    const { id: webhookId } = await scene.addWebhook();
    const claim = await scene.commitAndClaim(account, webhookId);
    await store.finish([{ claim, outcome: scene.delivered() }], scene.now);
    clock.advance(10 * MINUTE);
    expect(await due()).toEqual([]);
    spent.length = 0;
    for (let day = 0; day < 29; day++) {
      clock.advance(DAY);
      expect(await due()).toEqual([]);
    }
    expect(spent).toHaveLength(29);
    clock.advance(DAY);
    expect(await due()).toEqual(['account']);
  });

  it('an account with more gaps than one look takes in is found by the one that is due', async () => {
    const { scene, store, clock, due } = open();
    const { id } = await scene.addAccount();
    const fence = await scene.lease(id);
    const later = new Date(clock.nowMs + DAY);
    const opened = Array.from({ length: 80 }, () => ({ item: scene.listed(), dueAt: later, error: 'no' }));
    await store.saveProgress(fence, scene.progress({ opened }), scene.now);
    const one = { item: scene.listed(), dueAt: new Date(clock.nowMs + 3 * MINUTE), error: 'no' };
    await store.saveProgress(fence, scene.progress({ opened: [one] }), scene.now);
    await store.release(fence, scene.health());
    clock.advance(2 * MINUTE);
    expect(await due()).toEqual([]);
    clock.advance(MINUTE);
    expect(await due()).toEqual(['account']);
  });
});
