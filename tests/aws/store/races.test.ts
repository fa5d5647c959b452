import { describe, expect, it } from 'vitest';
import type { EventId } from '../../../shared/identity.ts';
import { MINUTE, TTL } from '../../contract/fixtures.ts';
import { openScene } from './dynamo-scene.ts';

describe('many at the same moment', () => {
  it('finish() of the 50 deliveries of one message settles it once, with counters that add up', async () => {
    const { scene } = await openScene({ waits: true });
    const account = await scene.addAccount('ana', { onFailed: { kind: 'flag', keyword: '$Failed' } });
    const webhooks = [];
    for (let number = 0; number < 50; number++) webhooks.push((await scene.addWebhook()).id);
    const [eventId] = (await scene.commit(account, webhooks)) as [EventId];
    const claims = await scene.store.claim(
      webhooks.map((webhookId) => ({ eventId, webhookId })),
      scene.now,
      TTL,
    );
    await Promise.all(
      claims.map((claim, index) => {
        const outcome = index % 5 === 0 ? scene.exhausted() : scene.delivered();
        return scene.store.finish([{ claim, outcome }], scene.now);
      }),
    );
    const event = (await scene.store.message(eventId))?.event;
    expect(event).toMatchObject({ open: 0, delivered: 40, failed: 10, settlement: { state: 'due' } });
    expect((await scene.store.pollState(account.id, scene.now)).settlements).toHaveLength(1);
    expect((await scene.store.counts()).deliveries).toMatchObject({ delivered: 40, exhausted: 10 });
  });

  it('commit() of overlapping batches takes every message once', async () => {
    const { scene } = await openScene();
    const account = await scene.addAccount();
    const { id } = await scene.addWebhook();
    const fence = await scene.lease(account.id);
    const events = await Promise.all(Array.from({ length: 90 }, () => scene.event(account, [id])));
    const batches = [events.slice(0, 60), events.slice(30, 90), events.slice(15, 75)];
    const answers = await Promise.all(batches.map((batch) => scene.store.commit(fence, batch, scene.now)));
    const committed = answers.flatMap((answer) => (answer === 'fenced' ? [] : answer.committed));
    const existing = answers.flatMap((answer) => (answer === 'fenced' ? [] : answer.existing));
    expect(committed.toSorted()).toEqual(events.map((event) => event.id).toSorted());
    expect(existing).toHaveLength(60 + 60 + 60 - 90);
    expect((await scene.store.counts()).deliveries.pending).toBe(90);
  });

  it('ticks that run at once hand out each thing once, of all kinds', async () => {
    const { scene, other } = await openScene();
    const account = await scene.addAccount();
    const { id: webhookId } = await scene.addWebhook();
    await scene.commit(account, [webhookId], 10);
    const fence = await scene.lease(account.id);
    const opened = [{ item: scene.listed(), dueAt: scene.now, error: 'no' }];
    await scene.store.saveProgress(fence, scene.progress({ opened }), scene.now);
    await scene.store.release(fence, scene.health());
    const { id: gatedId } = await scene.addWebhook({ state: 'disabled' });
    const [parked] = (await scene.commit(account, [gatedId])) as [EventId];
    await scene.store.claim([{ eventId: parked, webhookId: gatedId }], scene.now, TTL);
    await scene.store.updateWebhook(gatedId, { state: 'enabled' }, scene.now);
    scene.clock.advance(2 * MINUTE);
    const stores = [scene.store, other().store, other().store];
    const found = (await Promise.all(stores.map((store) => store.dueWork(scene.now, 100)))).flat();
    const kinds = found.map(({ kind }) => kind).toSorted();
    expect(kinds).toEqual(['account', ...Array<string>(10).fill('delivery'), 'webhook']);
  });

  it('a settlement and a replay at the same moment leave counters and work that agree', async () => {
    const { scene, other } = await openScene();
    const account = await scene.addAccount('ana', { onDelivered: { kind: 'mark-seen' } });
    const { id: webhookId } = await scene.addWebhook();
    for (let round = 0; round < 5; round++) {
      const [eventId] = (await scene.commit(account, [webhookId])) as [EventId];
      const ref = { eventId, webhookId };
      const claim = await scene.claim(ref);
      await Promise.all([
        scene.store.finish([{ claim, outcome: scene.delivered() }], scene.now),
        other().store.replay(ref, 'replay', scene.now),
      ]);
      const event = (await scene.store.message(eventId))?.event;
      const delivery = await scene.store.delivery(ref);
      const isOpen = delivery?.state === 'pending';
      expect([event?.open, event?.delivered]).toEqual(isOpen ? [1, 0] : [0, 1]);
      const { settlements } = await scene.store.pollState(account.id, scene.now);
      expect(settlements.some((one) => one.eventId === eventId)).toBe(!isOpen);
    }
  });

  it('updateWebhook() by two at once keeps the selection that was written last', async () => {
    const { scene, other } = await openScene();
    const ana = await scene.addAccount('ana');
    const bo = await scene.addAccount('bo');
    const { id } = await scene.addWebhook({ accounts: [ana.id] });
    for (let round = 0; round < 5; round++) {
      await Promise.all([
        scene.store.updateWebhook(id, { accounts: [bo.id] }, scene.now),
        other().store.updateWebhook(id, { accounts: [ana.id, bo.id] }, scene.now),
      ]);
      const accounts = (await scene.store.webhook(id))?.accounts ?? [];
      for (const account of [ana, bo]) {
        const expected = accounts.includes(account.id) ? [id] : [];
        expect(await scene.store.subscribers(account.id, 'message.received')).toEqual(expected);
      }
    }
  });
});
