import { expect, it } from 'vitest';
import { deliveryIdOf, type EventId } from '../../shared/identity.ts';
import type { Claim } from '../../shared/ports/store.ts';
import { MINUTE, SECOND, TTL } from './fixtures.ts';
import type { Scene, StoreTests } from './scene.ts';

/** A message on its way to one webhook. */
async function oneDelivery(scene: Scene) {
  const account = await scene.addAccount();
  const webhook = await scene.addWebhook();
  const [eventId] = await scene.commit(account, [webhook.id]);
  const ref = { eventId: eventId as EventId, webhookId: webhook.id };
  const counters = async () => {
    const event = (await scene.store.message(ref.eventId))?.event;
    return [event?.open, event?.delivered, event?.failed];
  };
  const finish = (claim: Claim, outcome: ReturnType<Scene['delivered']>) =>
    scene.store.finish([{ claim, outcome }], scene.now);
  return { account, webhook, ref, counters, finish, delivery: () => scene.store.delivery(ref) };
}

export const dispatchTests: StoreTests = (scene) => {
  it('claim() hands out what an attempt needs', async () => {
    const { ref, account, webhook } = await oneDelivery(scene());
    const view = await scene().store.message(ref.eventId);
    expect(await scene().claim(ref)).toEqual({
      ...{ ref, token: expect.any(String), accountId: account.id, attemptCount: 0, trigger: 'schedule' },
      ...{ eventType: 'message.received', webhook, attachments: 'link' },
      ...{ body: view?.event.body, frozen: false, reduced: false },
    });
  });

  it('claim() takes a delivery once', async () => {
    const { ref } = await oneDelivery(scene());
    const { store, now } = scene();
    expect(await store.claim([ref, ref], now, TTL)).toHaveLength(1);
    expect(await store.claim([ref], now, TTL)).toEqual([]);
  });

  it('claim() called twice at once takes it once', async () => {
    const { ref } = await oneDelivery(scene());
    const { store, now } = scene();
    const both = await Promise.all([store.claim([ref], now, TTL), store.claim([ref], now, TTL)]);
    expect(both.flat()).toHaveLength(1);
  });

  it('claim() takes it again once the lease has ended', async () => {
    const { ref } = await oneDelivery(scene());
    await scene().claim(ref);
    scene().clock.advance(TTL - SECOND);
    expect(await scene().store.claim([ref], scene().now, TTL)).toEqual([]);
    scene().clock.advance(SECOND);
    expect(await scene().store.claim([ref], scene().now, TTL)).toHaveLength(1);
  });

  it('claim() leaves out what does not exist', async () => {
    const { ref } = await oneDelivery(scene());
    const other = { ...ref, eventId: `msg_${'z'.repeat(26)}` as EventId };
    expect(await scene().store.claim([other], scene().now, TTL)).toEqual([]);
    expect(await scene().store.claim([], scene().now, TTL)).toEqual([]);
  });

  it('claim() takes no delivery more than a second before its next attempt', async () => {
    const { ref, finish } = await oneDelivery(scene());
    await finish(await scene().claim(ref), scene().retry(MINUTE));
    scene().clock.advance(MINUTE - SECOND - 1);
    expect(await scene().store.claim([ref], scene().now, TTL)).toEqual([]);
    scene().clock.advance(1);
    expect(await scene().claim(ref)).toMatchObject({ attemptCount: 1 });
  });

  it('claim() cancels a delivery whose webhook is gone', async () => {
    const account = await scene().addAccount();
    const { id } = scene().webhook();
    const [eventId] = await scene().commit(account, [id]);
    const ref = { eventId: eventId as EventId, webhookId: id };
    expect(await scene().store.claim([ref], scene().now, TTL)).toEqual([]);
    expect(await scene().store.delivery(ref)).toMatchObject({ state: 'cancelled', nextAttemptAt: null });
    expect((await scene().store.message(ref.eventId))?.event).toMatchObject({
      open: 0,
      delivered: 0,
      failed: 0,
    });
  });

  it('finish() of a success ends the delivery and is seen on its webhook', async () => {
    const { ref, webhook, counters, finish, delivery } = await oneDelivery(scene());
    const claim = await scene().claim(ref);
    scene().clock.advance(SECOND);
    const outcome = scene().delivered();
    await finish(claim, outcome);
    const at = scene().now.toISOString();
    expect(await delivery()).toMatchObject({
      ...{ id: deliveryIdOf(ref), state: 'delivered', attempts: [outcome.attempt], attemptCount: 1 },
      ...{ nextAttemptAt: null, endedAt: at },
    });
    expect(await counters()).toEqual([0, 1, 0]);
    expect(await scene().store.webhook(webhook.id)).toMatchObject({ lastSuccessAt: at });
    expect(await scene().store.claim([ref], scene().now, TTL)).toEqual([]);
  });

  it.each(['exhausted', 'rejected'] as const)('finish() as %s ends the delivery as failed', async (kind) => {
    const { ref, webhook, counters, finish, delivery } = await oneDelivery(scene());
    await finish(await scene().claim(ref), { kind, attempt: scene().attempt({ status: 500 }) });
    expect(await delivery()).toMatchObject({ state: kind, attemptCount: 1, nextAttemptAt: null });
    expect(await counters()).toEqual([0, 0, 1]);
    expect(await scene().store.webhook(webhook.id)).toMatchObject({ lastSuccessAt: null });
  });

  it('finish() for a retry keeps the delivery open until its next attempt', async () => {
    const { ref, counters, finish, delivery } = await oneDelivery(scene());
    const outcome = scene().retry(MINUTE);
    await finish(await scene().claim(ref), outcome);
    const nextAttemptAt = new Date(scene().clock.nowMs + MINUTE).toISOString();
    expect(await delivery()).toMatchObject({
      state: 'pending',
      attempts: [outcome.attempt],
      attemptCount: 1,
      nextAttemptAt,
    });
    expect(await counters()).toEqual([1, 0, 0]);
  });

  it('finish() does not count an attempt that is not charged', async () => {
    const { ref, finish, delivery } = await oneDelivery(scene());
    await finish(await scene().claim(ref), scene().retry(MINUTE, { charged: false }));
    expect(await delivery()).toMatchObject({ attemptCount: 0, attempts: [{ status: 500 }] });
  });

  it('finish() keeps the latest 20 attempts, oldest first', async () => {
    const { ref, finish, delivery } = await oneDelivery(scene());
    for (let number = 1; number <= 23; number++) {
      const attempt = scene().attempt({ durationMs: number });
      await finish(await scene().claim(ref), scene().retry(0, { attempt }));
    }
    const attempts = (await delivery())?.attempts.map(({ durationMs }) => durationMs);
    expect(attempts).toEqual(Array.from({ length: 20 }, (_, index) => index + 4));
    expect(await delivery()).toMatchObject({ attemptCount: 23 });
  });

  it('finish() with a smaller body makes the next attempts send that one', async () => {
    const { ref, finish, delivery } = await oneDelivery(scene());
    const nextBody = await scene().blobs.put('body', Buffer.from('small'));
    await finish(await scene().claim(ref), scene().retry(0, { nextBody }));
    const next = await scene().claim(ref);
    expect(next).toMatchObject({ body: nextBody, reduced: true });
    await finish(next, scene().retry(0));
    expect(await scene().claim(ref)).toMatchObject({ body: nextBody, reduced: true });
    expect(await delivery()).toMatchObject({ body: nextBody });
  });

  it('finish() of a claim that was lost to another is ignored', async () => {
    const { ref, counters, finish, delivery } = await oneDelivery(scene());
    const lost = await scene().claim(ref);
    scene().clock.advance(TTL);
    const present = await scene().claim(ref);
    await finish(lost, scene().exhausted());
    await finish(lost, scene().retry(MINUTE));
    expect(await delivery()).toMatchObject({ state: 'pending', attempts: [], attemptCount: 0 });
    await finish(present, scene().retry(MINUTE));
    expect(await delivery()).toMatchObject({ attemptCount: 1 });
    expect(await counters()).toEqual([1, 0, 0]);
  });

  it('finish() of a success counts though the claim was lost, and once', async () => {
    const { ref, counters, finish, delivery } = await oneDelivery(scene());
    const lost = await scene().claim(ref);
    scene().clock.advance(TTL);
    const present = await scene().claim(ref);
    await finish(lost, scene().delivered());
    expect(await delivery()).toMatchObject({ state: 'delivered' });
    await finish(present, scene().exhausted());
    await finish(present, scene().delivered());
    expect(await delivery()).toMatchObject({ state: 'delivered', attempts: [{ status: 200 }] });
    expect(await counters()).toEqual([0, 1, 0]);
  });

  it('finish() of a late success turns a failure into one', async () => {
    const { ref, counters, finish, delivery } = await oneDelivery(scene());
    const lost = await scene().claim(ref);
    scene().clock.advance(TTL);
    await finish(await scene().claim(ref), scene().exhausted());
    await finish(lost, scene().delivered());
    expect(await delivery()).toMatchObject({ state: 'delivered' });
    expect(await counters()).toEqual([0, 1, 0]);
  });

  it('finish() twice with the same claim counts once', async () => {
    const { ref, counters, finish, delivery } = await oneDelivery(scene());
    const claim = await scene().claim(ref);
    await Promise.all([finish(claim, scene().retry(MINUTE)), finish(claim, scene().retry(MINUTE))]);
    expect(await delivery()).toMatchObject({ attemptCount: 1 });
    expect(await counters()).toEqual([1, 0, 0]);
  });

  it('finish() records many at once, each by itself', async () => {
    const account = await scene().addAccount();
    const { id: webhookId } = await scene().addWebhook();
    const eventIds = await scene().commit(account, [webhookId], 3);
    const refs = eventIds.map((eventId) => ({ eventId, webhookId }));
    const claims = await scene().store.claim(refs, scene().now, TTL);
    const outcomes = [scene().delivered(), scene().exhausted(), scene().retry(MINUTE)];
    const done = claims.map((claim, index) => ({ claim, outcome: outcomes[index] ?? scene().delivered() }));
    await scene().store.finish(done, scene().now);
    expect((await scene().store.counts()).deliveries).toMatchObject({
      delivered: 1,
      exhausted: 1,
      pending: 1,
    });
    await scene().store.finish([], scene().now);
  });

  it('finish() for an account that was removed meanwhile does nothing', async () => {
    const { ref, account, finish } = await oneDelivery(scene());
    const claim = await scene().claim(ref);
    await scene().store.removeAccount(account.id);
    await finish(claim, scene().delivered());
    expect(await scene().store.delivery(ref)).toBeNull();
  });
};
