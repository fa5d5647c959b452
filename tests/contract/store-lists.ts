import { expect, it } from 'vitest';
import type { DeliveryState } from '../../shared/delivery.ts';
import type { MessageState } from '../../shared/event.ts';
import type { EventId } from '../../shared/identity.ts';
import type { Page, PageRequest } from '../../shared/ports/lists.ts';
import { FIRST, MINUTE, TTL } from './fixtures.ts';
import type { Scene, StoreTests } from './scene.ts';

/** All items of a list, a page at a time. */
async function everything<Item>(
  list: (page: PageRequest) => Promise<Page<Item>>,
  limit: number,
): Promise<Item[]> {
  const items: Item[] = [];
  let after: string | null = null;
  do {
    const page: Page<Item> = await list({ after, limit });
    expect(page.data.length).toBeLessThanOrEqual(limit);
    items.push(...page.data);
    after = page.next;
  } while (after !== null);
  return items;
}

/** One message of each state, of one account with one webhook. */
async function oneOfEach(scene: Scene) {
  const account = await scene.addAccount();
  const { id: webhookId } = await scene.addWebhook();
  const [pending, delivered, failed] = (await scene.commit(account, [webhookId], 3)) as [
    EventId,
    EventId,
    EventId,
  ];
  const [ignored] = (await scene.commit(account, [])) as [EventId];
  const fence = await scene.lease(account.id);
  const event = await scene.event(account, [webhookId], { type: 'message.quarantined', raw: null });
  await scene.store.commit(fence, [event], scene.now);
  await scene.end({ eventId: delivered, webhookId }, scene.delivered());
  await scene.end({ eventId: failed, webhookId }, scene.exhausted());
  return { account, webhookId, ids: { pending, delivered, failed, ignored, quarantined: event.id } };
}

export const listTests: StoreTests = (scene) => {
  it('messages() gives the newest first, in pages, each once, though others come meanwhile', async () => {
    const { store, clock } = scene();
    const account = await scene().addAccount();
    const committed: EventId[] = [];
    for (let minute = 0; minute < 3; minute++) {
      committed.push(...(await scene().commit(account, [], 4)));
      clock.advance(MINUTE);
    }
    const first = await store.messages({}, { after: null, limit: 5 });
    await scene().commit(account, [], 2);
    const rest = await everything(
      (page) => store.messages({}, { ...page, after: page.after ?? first.next }),
      5,
    );
    const ids = [...first.data, ...rest].map(({ event }) => event.id);
    expect(ids).toHaveLength(12);
    expect(new Set(ids)).toEqual(new Set(committed));
    const times = [...first.data, ...rest].map(({ event }) => event.committedAt);
    expect(times).toEqual([...times].sort().reverse());
  });

  it.each(['pending', 'delivered', 'failed', 'ignored', 'quarantined'] as const)(
    'messages() finds those that are %s',
    async (state) => {
      const { ids, account } = await oneOfEach(scene());
      const found = await scene().store.messages({ state }, FIRST);
      expect(found.data.map(({ event }) => event.id)).toEqual([ids[state]]);
      expect(found.next).toBeNull();
      const filtered = await scene().store.messages({ state, accountId: account.id }, FIRST);
      expect(filtered.data).toHaveLength(1);
      const other = await scene().addAccount('bo');
      expect((await scene().store.messages({ state, accountId: other.id }, FIRST)).data).toEqual([]);
    },
  );

  it('messages() of an account are its own', async () => {
    const ana = await scene().addAccount('ana');
    const bo = await scene().addAccount('bo');
    const ofAna = await scene().commit(ana, [], 3);
    await scene().commit(bo, [], 3);
    const found = await everything((page) => scene().store.messages({ accountId: ana.id }, page), 2);
    expect(found.map(({ event }) => event.id).sort()).toEqual([...ofAna].sort());
  });

  it('messages() since a time are those committed then or later', async () => {
    const account = await scene().addAccount();
    await scene().commit(account, []);
    const since = scene().clock.advance(MINUTE);
    const [later] = await scene().commit(account, []);
    const found = (await scene().store.messages({ since, accountId: account.id, state: 'ignored' }, FIRST))
      .data;
    expect(found.map(({ event }) => event.id)).toEqual([later]);
    expect((await scene().store.messages({ since }, FIRST)).data).toHaveLength(1);
  });

  it('messages() finds the few among very many, page by page', async () => {
    const { store } = scene();
    const account = await scene().addAccount();
    const { id: webhookId } = await scene().addWebhook();
    const few = await scene().commit(account, [webhookId], 3);
    for (const eventId of few) await scene().end({ eventId, webhookId }, scene().delivered());
    for (let batch = 0; batch < 5; batch++) await scene().commit(account, [], 500);
    const found = await everything((page) => store.messages({ state: 'delivered' }, page), 2);
    expect(found.map(({ event }) => event.id).sort()).toEqual([...few].sort());
  });

  it('message() gives the deliveries too; null when there is none', async () => {
    const { ids, webhookId } = await oneOfEach(scene());
    const view = await scene().store.message(ids.failed);
    expect(view?.deliveries).toMatchObject([{ webhookId, state: 'exhausted' }]);
    expect(await scene().store.message(`msg_${'z'.repeat(26)}` as EventId)).toBeNull();
  });

  it('deliveries() gives the newest first, by webhook, state and time', async () => {
    const { store, clock, now } = scene();
    const account = await scene().addAccount();
    const one = await scene().addWebhook();
    const two = await scene().addWebhook();
    const [done, left] = (await scene().commit(account, [one.id, two.id], 2)) as [EventId, EventId];
    await scene().end({ eventId: done, webhookId: one.id }, scene().delivered());
    const since = clock.advance(MINUTE);
    const [newest] = (await scene().commit(account, [one.id])) as [EventId];
    const list = async (filter: Parameters<typeof store.deliveries>[0]) =>
      (await everything((page) => store.deliveries(filter, page), 1)).map(
        (it) => `${it.eventId} ${it.webhookId}`,
      );
    expect(await list({})).toHaveLength(5);
    expect((await list({}))[0]).toBe(`${newest} ${one.id}`);
    expect(await list({ webhookId: one.id })).toHaveLength(3);
    expect(await list({ state: 'delivered' })).toEqual([`${done} ${one.id}`]);
    expect(await list({ webhookId: two.id, state: 'delivered' })).toEqual([]);
    expect((await list({ webhookId: one.id, state: 'pending' }))[0]).toBe(`${newest} ${one.id}`);
    expect(await list({ webhookId: one.id, state: 'pending' })).toHaveLength(2);
    expect(await list({ state: 'pending' })).toHaveLength(4);
    expect(await list({ since })).toEqual([`${newest} ${one.id}`]);
    expect(await list({ since: now, webhookId: one.id })).toHaveLength(3);
    expect(left).not.toBe(done);
  });

  it('delivery() is null when there is none', async () => {
    const { ids, webhookId } = await oneOfEach(scene());
    expect(await scene().store.delivery({ eventId: ids.ignored, webhookId })).toBeNull();
    expect(await scene().store.delivery({ eventId: ids.failed, webhookId })).toMatchObject({
      state: 'exhausted',
    });
  });

  it('messages() and deliveries() take a cursor that is not theirs for none', async () => {
    const { store } = scene();
    await oneOfEach(scene());
    const messages = await store.messages({}, { after: null, limit: 1 });
    const deliveries = await store.deliveries({}, { after: null, limit: 1 });
    expect((await store.deliveries({}, { after: messages.next, limit: 100 })).data).toHaveLength(4);
    expect((await store.messages({}, { after: deliveries.next, limit: 100 })).data).toHaveLength(5);
    expect((await store.messages({}, { after: 'x', limit: 100 })).data).toHaveLength(5);
  });

  it('counts() agrees with the lists, whatever happened', async () => {
    const { store, now } = scene();
    const { webhookId, ids } = await oneOfEach(scene());
    await store.replay({ eventId: ids.delivered, webhookId }, 'replay', now);
    await store.updateWebhook(webhookId, { state: 'disabled' }, now);
    await store.claim([{ eventId: ids.pending, webhookId }], now, TTL);
    const { deliveries } = await store.counts();
    for (const [state, count] of Object.entries(deliveries) as [DeliveryState, number][]) {
      expect([state, (await store.deliveries({ state }, FIRST)).data.length]).toEqual([state, count]);
    }
    const states: MessageState[] = ['pending', 'delivered', 'failed', 'ignored', 'quarantined'];
    const found = await Promise.all(
      states.map(async (state) => (await store.messages({ state }, FIRST)).data.length),
    );
    expect(found).toEqual([2, 0, 1, 1, 1]);
    expect((await store.counts()).pendingMessages).toBe(2);
  });
};
