import { expect, it } from 'vitest';
import type { EventId } from '../../shared/identity.ts';
import { FIRST, TTL } from './fixtures.ts';
import type { StoreTests } from './scene.ts';

export const webhookTests: StoreTests = (scene) => {
  it('createWebhook() keeps every field', async () => {
    const { store, now } = scene();
    const { id: account } = scene().account();
    const webhook = scene().webhook({
      ...{
        name: 'Büro',
        url: 'http://127.0.0.1:5678/x?y=z',
        accounts: [account],
        events: ['message.*', '*'],
      },
      ...{ timeoutSeconds: 2.5, headers: 'sealed headers' as never, headerNames: ['X-Token'] },
      secrets: [
        { sealed: 'new' as never, expiresAt: null },
        { sealed: 'old' as never, expiresAt: '2026-11-26T08:00:00.000Z' },
      ],
      ...{ lastSuccessAt: '2026-11-25T07:00:00.000Z', createdAt: now.toISOString() },
    });
    expect(await store.createWebhook(webhook)).toBe('ok');
    expect(await store.webhook(webhook.id)).toEqual(webhook);
    expect(await store.webhookByName('BÜRO')).toEqual(webhook);
  });

  it('webhook() and webhookByName() are null for what is not there', async () => {
    expect(await scene().store.webhook(scene().webhook().id)).toBeNull();
    expect(await scene().store.webhookByName('nobody')).toBeNull();
  });

  it('createWebhook() refuses a name that is there, whatever its case; an account may have it', async () => {
    await scene().addAccount('ana');
    await scene().addWebhook({ name: 'ana' });
    expect(await scene().store.createWebhook(scene().webhook({ name: 'ANA' }))).toBe('name-taken');
    expect((await scene().store.webhooks(FIRST)).data).toHaveLength(1);
  });

  it('updateWebhook() changes what is given and nothing else', async () => {
    const { store, now } = scene();
    const webhook = await scene().addWebhook();
    const change = { url: 'https://other.example.com/', accounts: [], events: ['*'], name: 'renamed' };
    expect(await store.updateWebhook(webhook.id, change, now)).toEqual({ ...webhook, ...change });
    expect(await store.webhook(webhook.id)).toEqual({ ...webhook, ...change });
  });

  it('updateWebhook() refuses the name of another, and changes nothing then', async () => {
    const { store, now } = scene();
    await scene().addWebhook({ name: 'one' });
    const two = await scene().addWebhook({ name: 'two' });
    expect(await store.updateWebhook(two.id, { name: 'ONE', url: 'https://x.example.com/' }, now)).toBe(
      'name-taken',
    );
    expect(await store.webhook(two.id)).toEqual(two);
    expect(await store.updateWebhook(two.id, { name: 'Two' }, now)).toMatchObject({ name: 'Two' });
    expect(await store.updateWebhook(scene().webhook().id, {}, now)).toBe('gone');
  });

  it('webhooks() gives all in pages, each once, though others are added meanwhile', async () => {
    const { store } = scene();
    for (const name of ['a', 'b', 'c']) await scene().addWebhook({ name });
    const first = await store.webhooks({ after: null, limit: 2 });
    await scene().addWebhook({ name: 'd' });
    const second = await store.webhooks({ after: first.next, limit: 2 });
    const names = [first, second].flatMap(({ data }) => data.map(({ name }) => name));
    expect(names.sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(second.next).toBeNull();
    expect((await store.webhooks({ after: 'nonsense', limit: 2 })).data).toHaveLength(2);
  });

  it('removeWebhook() cancels its open deliveries, pending and parked, and no others', async () => {
    const { store, now } = scene();
    const account = await scene().addAccount();
    const gone = await scene().addWebhook();
    const other = await scene().addWebhook();
    const eventIds = await scene().commit(account, [gone.id, other.id], 250);
    const [done, parked] = eventIds as [EventId, EventId];
    await scene().end({ eventId: done, webhookId: gone.id }, scene().delivered());
    await store.updateWebhook(gone.id, { state: 'disabled' }, now);
    await store.claim([{ eventId: parked, webhookId: gone.id }], now, TTL);
    expect(await store.removeWebhook(gone.id, now)).toBe('ok');
    expect(await store.removeWebhook(gone.id, now)).toBe('gone');
    expect(await store.webhook(gone.id)).toBeNull();
    expect((await store.counts()).deliveries).toMatchObject({
      pending: 250,
      parked: 0,
      delivered: 1,
      cancelled: 249,
    });
    expect((await store.message(parked))?.event).toMatchObject({ open: 1, failed: 0 });
    expect(await store.delivery({ eventId: done, webhookId: gone.id })).toMatchObject({ state: 'delivered' });
    expect(await store.createWebhook(scene().webhook({ name: gone.name }))).toBe('ok');
  });

  it('removeWebhook() while an attempt is under way: a failure is ignored, a success counts', async () => {
    const { store, now } = scene();
    const account = await scene().addAccount();
    const { id } = await scene().addWebhook();
    const claims = [
      await scene().commitAndClaim(account, id),
      await scene().commitAndClaim(account, id),
    ] as const;
    await store.removeWebhook(id, now);
    await store.finish([{ claim: claims[0], outcome: scene().exhausted() }], now);
    await store.finish([{ claim: claims[1], outcome: scene().delivered() }], now);
    expect(await store.delivery(claims[0].ref)).toMatchObject({ state: 'cancelled' });
    expect(await store.delivery(claims[1].ref)).toMatchObject({ state: 'delivered' });
  });

  it('pendingOf() counts what is pending or parked', async () => {
    const { store, now } = scene();
    const account = await scene().addAccount();
    const busy = await scene().addWebhook();
    const idle = await scene().addWebhook();
    const [first, second] = await scene().commit(account, [busy.id], 3);
    await scene().end({ eventId: first as EventId, webhookId: busy.id }, scene().delivered());
    await store.updateWebhook(busy.id, { state: 'disabled' }, now);
    await store.claim([{ eventId: second as EventId, webhookId: busy.id }], now, TTL);
    expect([...(await store.pendingOf([busy.id, idle.id]))]).toEqual([
      [busy.id, 2],
      [idle.id, 0],
    ]);
  });
};
