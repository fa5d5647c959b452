import { expect, it } from 'vitest';
import type { AccountSettings } from '../../shared/account.ts';
import type { EventId } from '../../shared/identity.ts';
import { DAY, MINUTE, SECOND, TTL } from './fixtures.ts';
import type { Scene, StoreTests } from './scene.ts';

const SEEN = { kind: 'mark-seen' } as const;
const FLAG = { kind: 'flag', keyword: '$Failed' } as const;

/** A message with one delivery. */
async function oneDelivery(scene: Scene, policy: Partial<AccountSettings> = {}) {
  const account = await scene.addAccount('ana', policy);
  const { id: webhookId } = await scene.addWebhook();
  const [eventId] = await scene.commit(account, [webhookId]);
  const ref = { eventId: eventId as EventId, webhookId };
  const event = async () => (await scene.store.message(ref.eventId))?.event;
  const settlements = async () => (await scene.store.pollState(account.id, scene.now)).settlements;
  const settle = async () => {
    const fence = await scene.lease(account.id);
    const closed = (await settlements()).map(({ key }) => ({ key, as: 'done' as const }));
    await scene.store.saveProgress(fence, scene.progress({ closed }), scene.now);
    await scene.store.release(fence, scene.health());
  };
  return {
    ...{ account, ref, event, settlements, settle },
    replay: () => scene.store.replay(ref, 'replay', scene.now),
    delivery: () => scene.store.delivery(ref),
  };
}

export const replayTests: StoreTests = (scene) => {
  it.each(['delivered', 'exhausted'] as const)(
    'replay() of a delivery that was %s starts its schedule anew',
    async (how) => {
      const { ref, event, replay, delivery } = await oneDelivery(scene());
      await scene().end(ref, scene()[how]());
      scene().clock.advance(MINUTE);
      expect(await replay()).toBe('ok');
      expect(await delivery()).toMatchObject({
        ...{ state: 'pending', attemptCount: 0, nextAttemptAt: scene().now.toISOString(), endedAt: null },
        attempts: [{ durationMs: 12 }],
      });
      expect(await event()).toMatchObject({ open: 1, delivered: 0, failed: 0 });
      expect(await scene().store.dueWork(scene().now, 10)).toEqual([{ kind: 'delivery', ref }]);
      expect(await scene().claim(ref)).toMatchObject({ trigger: 'replay', attemptCount: 0 });
    },
  );

  it('replay() keeps the trigger for one attempt; the retries after it are of the schedule', async () => {
    const { ref } = await oneDelivery(scene());
    await scene().end(ref, scene().delivered());
    await scene().store.replay(ref, 'retry', scene().now);
    const claim = await scene().claim(ref);
    expect(claim.trigger).toBe('retry');
    await scene().store.finish([{ claim, outcome: scene().retry(0) }], scene().now);
    expect(await scene().claim(ref)).toMatchObject({ trigger: 'schedule', attemptCount: 1 });
  });

  it('replay() of a delivery that waits makes it due now', async () => {
    const { ref, event, delivery, replay } = await oneDelivery(scene());
    await scene().end(ref, scene().retry(DAY));
    await replay();
    expect(await delivery()).toMatchObject({ nextAttemptAt: scene().now.toISOString(), attemptCount: 0 });
    expect(await event()).toMatchObject({ open: 1 });
  });

  it('replay() of a parked delivery makes it due now', async () => {
    const { ref, delivery, replay } = await oneDelivery(scene());
    await scene().store.updateWebhook(ref.webhookId, { state: 'disabled' }, scene().now);
    await scene().store.claim([ref], scene().now, TTL);
    expect(await delivery()).toMatchObject({ state: 'parked' });
    await scene().store.updateWebhook(ref.webhookId, { state: 'enabled' }, scene().now);
    await replay();
    expect(await scene().claim(ref)).toMatchObject({ ref });
    expect((await scene().store.counts()).deliveries).toMatchObject({ parked: 0, pending: 1 });
  });

  it('replay() takes the claim of an attempt under way, whose success still counts', async () => {
    const { ref, event, delivery, replay } = await oneDelivery(scene());
    const claim = await scene().claim(ref);
    await replay();
    await scene().store.finish([{ claim, outcome: scene().exhausted() }], scene().now);
    expect(await delivery()).toMatchObject({ state: 'pending', attemptCount: 0 });
    await scene().store.finish([{ claim, outcome: scene().delivered() }], scene().now);
    expect(await event()).toMatchObject({ open: 0, delivered: 1 });
  });

  it('replay() to a webhook that came later makes the delivery', async () => {
    const { ref, event } = await oneDelivery(scene());
    await scene().end(ref, scene().delivered());
    const later = await scene().addWebhook();
    scene().clock.advance(SECOND);
    const made = { ...ref, webhookId: later.id };
    expect(await scene().store.replay(made, 'replay', scene().now)).toBe('ok');
    expect(await scene().store.delivery(made)).toMatchObject({
      state: 'pending',
      createdAt: scene().now.toISOString(),
    });
    expect(await event()).toMatchObject({ open: 1, delivered: 1 });
    expect(await scene().store.dueWork(scene().now, 10)).toEqual([{ kind: 'delivery', ref: made }]);
  });

  it('replay() is gone when the event or the webhook is', async () => {
    const { ref } = await oneDelivery(scene());
    const { store, now } = scene();
    expect(await store.replay({ ...ref, eventId: `msg_${'z'.repeat(26)}` as EventId }, 'replay', now)).toBe(
      'gone',
    );
    await store.removeWebhook(ref.webhookId, now);
    expect(await store.replay(ref, 'replay', now)).toBe('gone');
    expect(await store.delivery(ref)).toMatchObject({ state: 'cancelled' });
  });

  it('replay() never makes a done settlement be done again', async () => {
    const { ref, event, settlements, settle, replay } = await oneDelivery(scene(), { onDelivered: SEEN });
    await scene().end(ref, scene().delivered());
    await settle();
    await replay();
    expect((await event())?.settlement).toMatchObject({ action: SEEN, state: 'done' });
    await scene().end(ref, scene().delivered());
    expect(await settlements()).toEqual([]);
    expect((await event())?.settlement).toMatchObject({ action: SEEN, state: 'done' });
  });

  it('replay() that fails does nothing to a message that was settled as delivered', async () => {
    const { ref, settlements, settle, replay } = await oneDelivery(scene(), {
      onDelivered: SEEN,
      onFailed: FLAG,
    });
    await scene().end(ref, scene().delivered());
    await settle();
    await replay();
    await scene().end(ref, scene().exhausted());
    expect(await settlements()).toEqual([]);
  });

  it('replay() that succeeds settles as delivered what was settled as failed', async () => {
    const { ref, settlements, settle, replay } = await oneDelivery(scene(), {
      onDelivered: SEEN,
      onFailed: FLAG,
    });
    await scene().end(ref, scene().exhausted());
    await settle();
    await replay();
    await scene().end(ref, scene().delivered());
    expect(await settlements()).toMatchObject([{ cause: 'delivered', action: SEEN }]);
  });

  it('replay() holds back what was not settled yet, until the delivery has ended again', async () => {
    const { ref, event, settlements, replay } = await oneDelivery(scene(), { deleteAfterDays: 2 });
    await scene().end(ref, scene().delivered());
    scene().clock.advance(DAY);
    await replay();
    scene().clock.advance(2 * DAY);
    expect(await settlements()).toEqual([]);
    expect((await event())?.settlement).toMatchObject({ action: { kind: 'delete' }, state: 'waiting' });
    await scene().end(ref, scene().delivered());
    scene().clock.advance(2 * DAY - SECOND);
    expect(await settlements()).toEqual([]);
    scene().clock.advance(SECOND);
    expect(await settlements()).toMatchObject([{ action: { kind: 'delete' } }]);
  });

  it('replay() that ends otherwise settles otherwise', async () => {
    const { ref, settlements, replay } = await oneDelivery(scene(), { onDelivered: SEEN, onFailed: FLAG });
    await scene().end(ref, scene().exhausted());
    await replay();
    await scene().end(ref, scene().delivered());
    expect(await settlements()).toMatchObject([{ cause: 'delivered', action: SEEN }]);
  });
};
