import { describe, expect, it } from 'vitest';
import { createDynamoStore } from '../../../../shared/aws/store/create-dynamo-store.ts';
import type { EventId } from '../../../../shared/identity.ts';
import { createMemoryBlobs } from '../../../aws/store/memory-blobs.ts';
import { TestClock } from '../../../contract/fixtures.ts';
import { Scene } from '../../../contract/scene.ts';
import { createMemoryDynamo, type Spent } from '../../../support/dynamo/memory-dynamo.ts';

const BATCHES = 5;
const BATCH_EVENTS = 500;
const ALL = BATCHES * BATCH_EVENTS;

async function withEvents() {
  const spent: Spent[] = [];
  const clock = new TestClock();
  const { client } = createMemoryDynamo((one) => spent.push(one));
  const store = createDynamoStore({ client, table: 'table', clock });
  const scene = new Scene({ store, clock, blobs: createMemoryBlobs() });
  const account = await scene.addAccount();
  const { id: webhookId } = await scene.addWebhook();
  const ids: EventId[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    ids.push(...(await scene.commit(account, [webhookId], BATCH_EVENTS)));
    clock.advance(1_000);
  }
  spent.length = 0;
  const deliveries = async () => (await store.counts()).deliveries;
  return { scene, store, account, webhookId, ids, spent, deliveries };
}

describe('removing what has thousands of events', () => {
  it('removeAccount() does a part at once, the newest first, and the tick the rest', async () => {
    const { scene, store, account, ids, spent, deliveries } = await withEvents();
    expect(await store.removeAccount(account.id)).toBe('ok');
    expect(await store.account(account.id)).toBeNull();
    const left = await store.known(ids);
    expect([...left]).toEqual(ids.slice(0, BATCH_EVENTS));
    expect(spent.length).toBeLessThan(ALL * 2);
    await store.maintain(scene.now, () => true);
    expect((await store.known(ids)).size).toBe(0);
    expect(await deliveries()).toMatchObject({ pending: 0, cancelled: 0 });
  });

  it('removeWebhook() cancels a part at once, and the tick the rest', async () => {
    const { scene, store, webhookId, deliveries } = await withEvents();
    expect(await store.removeWebhook(webhookId, scene.now)).toBe('ok');
    expect(await deliveries()).toMatchObject({ pending: BATCH_EVENTS, cancelled: ALL - BATCH_EVENTS });
    await store.maintain(scene.now, () => true);
    expect(await deliveries()).toMatchObject({ pending: 0, cancelled: ALL });
  });

  it('maintain() stops between two slices when it is told to, and goes on where it stopped', async () => {
    const { scene, store, account, ids } = await withEvents();
    await store.removeAccount(account.id);
    let slices = 0;
    await store.maintain(scene.now, () => slices++ < 2);
    const left = (await store.known(ids)).size;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(BATCH_EVENTS);
    await store.maintain(scene.now, () => true);
    expect((await store.known(ids)).size).toBe(0);
  });

  it('createAccount() ends a removal that has not come far, however much is left', async () => {
    const { store, account, ids } = await withEvents();
    await store.removeAccount(account.id);
    expect((await store.known(ids)).size).toBe(BATCH_EVENTS);
    expect(await store.createAccount(account)).toBe('ok');
    expect((await store.known(ids)).size).toBe(0);
  });
});
