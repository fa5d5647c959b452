import { expect, it } from 'vitest';
import type { EventId } from '../../shared/identity.ts';
import { FIRST, MINUTE } from './fixtures.ts';
import type { StoreTests } from './scene.ts';

export const commitTests: StoreTests = (scene) => {
  it('commit() stores an event with its deliveries, as it was given', async () => {
    const { store, now } = scene();
    const account = await scene().addAccount();
    const one = await scene().addWebhook();
    const two = await scene().addWebhook();
    const fence = await scene().lease(account.id);
    const event = await scene().event(account, [one.id, two.id], { backfill: true });
    expect(await store.commit(fence, [event], now)).toEqual({ committed: [event.id], existing: [] });
    const view = await store.message(event.id);
    const { webhooks: _webhooks, ...given } = event;
    expect(view?.event).toMatchObject({
      ...given,
      committedAt: now.toISOString(),
      open: 2,
      delivered: 0,
      failed: 0,
    });
    expect(view?.deliveries.map(({ webhookId }) => webhookId).sort()).toEqual([one.id, two.id].sort());
    expect(view?.deliveries[0]).toMatchObject({
      ...{ eventId: event.id, accountId: account.id, state: 'pending', attempts: [], attemptCount: 0 },
      ...{ nextAttemptAt: now.toISOString(), body: null, createdAt: now.toISOString(), endedAt: null },
    });
  });

  it('commit() leaves an event that exists alone, and it harms no other', async () => {
    const { store, now } = scene();
    const account = await scene().addAccount();
    const { id } = await scene().addWebhook();
    const fence = await scene().lease(account.id);
    const old = await scene().event(account, [id], { subject: 'first' });
    await store.commit(fence, [old], now);
    const fresh = await scene().event(account, [id]);
    const again = { ...old, subject: 'second', webhooks: [] };
    expect(await store.commit(fence, [again, fresh], now)).toEqual({
      committed: [fresh.id],
      existing: [old.id],
    });
    expect((await store.message(old.id))?.event).toMatchObject({ subject: 'first', open: 1 });
    expect((await store.counts()).deliveries.pending).toBe(2);
  });

  it('commit() takes the same event twice in one batch once', async () => {
    const account = await scene().addAccount();
    const { id } = await scene().addWebhook();
    const fence = await scene().lease(account.id);
    const event = await scene().event(account, [id, id]);
    const answer = await scene().store.commit(fence, [event, event], scene().now);
    expect(answer).toEqual({ committed: [event.id], existing: [event.id] });
    expect((await scene().store.message(event.id))?.deliveries).toHaveLength(1);
  });

  it('commit() by two at once takes a message once', async () => {
    const account = await scene().addAccount();
    const fence = await scene().lease(account.id);
    const event = await scene().event(account, []);
    const { store, now } = scene();
    const answers = await Promise.all([store.commit(fence, [event], now), store.commit(fence, [event], now)]);
    const committed = answers.flatMap((answer) => (answer === 'fenced' ? [] : answer.committed));
    expect(committed).toEqual([event.id]);
  });

  it('commit() without webhooks ends at once: the message is ignored, and nothing is to be settled', async () => {
    const account = await scene().addAccount('ana', { onDelivered: { kind: 'delete' }, deleteAfterDays: 1 });
    const [id] = await scene().commit(account, []);
    const [view] = (await scene().store.messages({ state: 'ignored' }, FIRST)).data;
    expect(view?.event).toMatchObject({
      id,
      open: 0,
      settlement: { action: { kind: 'none' }, state: 'none', reason: null },
    });
    expect((await scene().store.pollState(account.id, scene().now)).settlements).toEqual([]);
  });

  it('commit() after the account was removed is fenced', async () => {
    const account = await scene().addAccount();
    const fence = await scene().lease(account.id);
    await scene().store.removeAccount(account.id);
    const event = await scene().event(account, []);
    expect(await scene().store.commit(fence, [event], scene().now)).toBe('fenced');
  });

  it('commit() keeps an operational event, which is no message', async () => {
    const { store, now } = scene();
    const account = await scene().addAccount();
    const { id } = await scene().addWebhook();
    const fence = await scene().lease(account.id);
    const event = await scene().event(account, [id], {
      type: 'account.auth_failed',
      source: null,
      raw: null,
      digest: null,
    });
    await store.commit(fence, [event], now);
    expect((await store.message(event.id))?.event).toMatchObject({
      source: null,
      type: 'account.auth_failed',
    });
    expect((await store.messages({}, FIRST)).data).toEqual([]);
    expect((await store.counts()).pendingMessages).toBe(0);
    expect((await store.deliveries({}, FIRST)).data).toHaveLength(1);
  });

  it('known() names the events that are there, of very many', async () => {
    const account = await scene().addAccount();
    const committed = await scene().commit(account, [], 3);
    const strangers = Array.from(
      { length: 2_000 },
      (_, number) => `msg_${String(number).padStart(26, 'x')}` as EventId,
    );
    expect([...(await scene().store.known([...strangers, ...committed]))].sort()).toEqual(
      [...committed].sort(),
    );
    expect((await scene().store.known([])).size).toBe(0);
  });

  it('knownDigests() names the digests on events of this account only', async () => {
    const ana = await scene().addAccount('ana');
    const bo = await scene().addAccount('bo');
    const [ofAna = ''] = await scene().commit(ana, [], 2);
    const [ofBo = ''] = await scene().commit(bo, []);
    const asked = [`digest of ${ofAna}`, `digest of ${ofBo}`, 'another'];
    expect([...(await scene().store.knownDigests(ana.id, asked))]).toEqual([`digest of ${ofAna}`]);
    expect((await scene().store.knownDigests(ana.id, [])).size).toBe(0);
  });

  it('subscribers() are the enabled and disabled webhooks that select the account and take the type', async () => {
    const ana = await scene().addAccount('ana');
    const bo = await scene().addAccount('bo');
    const all = await scene().addWebhook();
    const off = await scene().addWebhook({ accounts: [bo.id, ana.id], state: 'disabled' });
    await scene().addWebhook({ accounts: [bo.id] });
    await scene().addWebhook({ accounts: [] });
    const alarms = await scene().addWebhook({ events: ['account.auth_failed'] });
    const { store } = scene();
    expect([...(await store.subscribers(ana.id, 'message.received'))].sort()).toEqual(
      [all.id, off.id].sort(),
    );
    expect(await store.subscribers(ana.id, 'account.auth_failed')).toEqual([alarms.id]);
    await store.updateWebhook(all.id, { accounts: [bo.id] }, scene().now);
    expect(await store.subscribers(ana.id, 'message.received')).toEqual([off.id]);
    await store.removeWebhook(off.id, scene().now);
    expect(await store.subscribers(ana.id, 'message.received')).toEqual([]);
  });

  it('counts() tells how many messages are pending, and since when', async () => {
    const { store, clock } = scene();
    const account = await scene().addAccount();
    const { id } = await scene().addWebhook();
    expect(await store.counts()).toMatchObject({ pendingMessages: 0, oldestPendingAt: null });
    const since = scene().now;
    const [first] = await scene().commit(account, [id]);
    clock.advance(MINUTE);
    await scene().commit(account, [id]);
    expect(await store.counts()).toMatchObject({ pendingMessages: 2, oldestPendingAt: since });
    await scene().end({ eventId: first as EventId, webhookId: id }, scene().delivered());
    expect(await store.counts()).toMatchObject({ pendingMessages: 1, oldestPendingAt: scene().now });
  });
};
