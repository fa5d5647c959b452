import { expect, it } from 'vitest';
import type { AccountSettings, ServerAction } from '../../shared/account.ts';
import type { EventId, WebhookId } from '../../shared/identity.ts';
import { DAY, MINUTE } from './fixtures.ts';
import type { Scene, StoreTests } from './scene.ts';

const SEEN: ServerAction = { kind: 'mark-seen' };
const FLAG: ServerAction = { kind: 'flag', keyword: '$Failed' };
const DELETE: ServerAction = { kind: 'delete' };

/** A message with a delivery for each of so many webhooks, of an account that wants this done. */
async function message(scene: Scene, policy: Partial<AccountSettings>, webhooks = 1) {
  const account = await scene.addAccount('ana', policy);
  const ids: WebhookId[] = [];
  for (let number = 0; number < webhooks; number++) ids.push((await scene.addWebhook()).id);
  const [eventId] = await scene.commit(account, ids);
  const refs = ids.map((webhookId) => ({ eventId: eventId as EventId, webhookId }));
  const state = () => scene.store.pollState(account.id, scene.now);
  return {
    ...{ account, refs, ref: refs[0] as (typeof refs)[number] },
    due: async () => (await state()).settlements,
    status: async () => (await scene.store.message(eventId as EventId))?.event.settlement,
    /** Closes what is due, as a poll does. */
    settle: async (as: 'done' | 'failed' | 'void' = 'done', reason: string | null = null) => {
      const fence = await scene.lease(account.id);
      const closed = (await state()).settlements.map(({ key }) => ({ key, as, reason }));
      await scene.store.saveProgress(fence, scene.progress({ closed }), scene.now);
      await scene.store.release(fence, scene.health());
    },
  };
}

export const settlementTests: StoreTests = (scene) => {
  it('finish() of the last delivery writes the settlement, at once due', async () => {
    const { account, ref, due, status } = await message(scene(), { onDelivered: SEEN });
    expect(await status()).toMatchObject({ action: SEEN, state: 'waiting' });
    await scene().end(ref, scene().delivered());
    const source = (await scene().store.message(ref.eventId))?.event.source;
    expect(await due()).toEqual([
      {
        ...{ key: expect.any(String), eventId: ref.eventId, source, cause: 'delivered', action: SEEN },
        ...{ attempts: 0, dueAt: scene().now, endedAt: scene().now },
      },
    ]);
    expect(await status()).toMatchObject({ action: SEEN, state: 'due' });
    expect(await scene().store.dueWork(scene().now, 10)).toMatchObject([{ kind: 'account', id: account.id }]);
  });

  it('finish() of two that end together writes it exactly once', async () => {
    const { store, now } = scene();
    const { refs, due } = await message(scene(), { onDelivered: SEEN }, 2);
    const claims = await store.claim(refs, now, MINUTE);
    await Promise.all(claims.map((claim) => store.finish([{ claim, outcome: scene().delivered() }], now)));
    expect(await due()).toHaveLength(1);
  });

  it('finish() while another delivery is open settles nothing yet', async () => {
    const { refs, due, status } = await message(scene(), { onDelivered: SEEN }, 2);
    await scene().end(refs[0] as never, scene().delivered());
    expect(await due()).toEqual([]);
    expect(await status()).toMatchObject({ action: SEEN, state: 'waiting' });
  });

  it.each([
    ['none', { onDelivered: SEEN }, 'exhausted', { action: { kind: 'none' }, state: 'none' }],
    ['on-failed', { onDelivered: SEEN, onFailed: FLAG }, 'exhausted', { action: FLAG, state: 'due' }],
    ['nothing', {}, 'delivered', { action: { kind: 'none' }, state: 'none' }],
    ['a deletion in days', { deleteAfterDays: 30 }, 'delivered', { action: DELETE, state: 'waiting' }],
  ] as const)('finish() settles by the policy: %s', async (_, policy, outcome, expected) => {
    const { ref, status } = await message(scene(), policy);
    await scene().end(ref, scene()[outcome]());
    expect(await status()).toMatchObject(expected);
  });

  it('finish() does what a failure asks for when any of the deliveries failed', async () => {
    const { refs, due } = await message(
      scene(),
      { onDelivered: SEEN, onFailed: FLAG, deleteAfterDays: 1 },
      2,
    );
    await scene().end(refs[0] as never, scene().exhausted());
    await scene().end(refs[1] as never, scene().delivered());
    scene().clock.advance(2 * DAY);
    expect(await due()).toMatchObject([{ cause: 'failed', action: FLAG }]);
  });

  it('finish() goes by the settings of that moment', async () => {
    const { account, ref, status } = await message(scene(), { onDelivered: SEEN });
    await scene().store.updateAccount(account.id, { onDelivered: DELETE });
    await scene().end(ref, scene().delivered());
    expect(await status()).toMatchObject({ action: DELETE, state: 'due' });
  });

  it('finish() never settles a message that could not be fetched', async () => {
    const account = await scene().addAccount('ana', { onDelivered: DELETE });
    const { id: webhookId } = await scene().addWebhook();
    const fence = await scene().lease(account.id);
    const event = await scene().event(account, [webhookId], { type: 'message.quarantined' });
    await scene().store.commit(fence, [event], scene().now);
    await scene().end({ eventId: event.id, webhookId }, scene().delivered());
    expect((await scene().store.pollState(account.id, scene().now)).settlements).toEqual([]);
    expect((await scene().store.message(event.id))?.event.settlement.state).toBe('none');
  });

  it('a deletion in days is due on its day, after the other action', async () => {
    const { account, ref, due, status, settle } = await message(scene(), {
      onDelivered: SEEN,
      deleteAfterDays: 3,
    });
    await scene().end(ref, scene().delivered());
    expect(await due()).toMatchObject([{ action: SEEN }]);
    await settle();
    expect(await status()).toMatchObject({ action: DELETE, state: 'waiting' });
    scene().clock.advance(3 * DAY - MINUTE);
    expect(await due()).toEqual([]);
    expect(await scene().store.dueWork(scene().now, 10)).toEqual([]);
    scene().clock.advance(MINUTE);
    expect(await due()).toMatchObject([{ action: DELETE, cause: 'delivered' }]);
    expect(await status()).toMatchObject({ action: DELETE, state: 'due' });
    expect(await scene().store.dueWork(scene().now, 10)).toMatchObject([{ kind: 'account', id: account.id }]);
    await settle();
    expect(await status()).toMatchObject({ action: DELETE, state: 'done' });
  });

  it.each(['done', 'failed', 'void'] as const)(
    'saveProgress() closes a settlement as %s, with its reason',
    async (as) => {
      const { ref, due, status, settle } = await message(scene(), { onDelivered: SEEN });
      await scene().end(ref, scene().delivered());
      const reason = as === 'done' ? null : 'no such keyword';
      await settle(as, reason);
      expect(await status()).toEqual({ action: SEEN, state: as, reason });
      expect(await due()).toEqual([]);
      scene().clock.advance(DAY);
      expect(await scene().store.dueWork(scene().now, 10)).toEqual([]);
    },
  );

  it('saveProgress() reschedules a settlement, counts its attempts and keeps the reason until it is done', async () => {
    const { account, ref, due, status } = await message(scene(), { onDelivered: SEEN });
    await scene().end(ref, scene().delivered());
    const fence = await scene().lease(account.id);
    const [settlement] = await due();
    if (settlement === undefined) throw new Error('One is due');
    const dueAt = new Date(scene().clock.nowMs + MINUTE);
    const rescheduled = [{ key: settlement.key, dueAt, error: 'busy' }];
    await scene().store.saveProgress(fence, scene().progress({ rescheduled }), scene().now);
    expect(await due()).toEqual([]);
    expect(await status()).toEqual({ action: SEEN, state: 'waiting', reason: 'busy' });
    scene().clock.advance(MINUTE);
    expect(await due()).toEqual([{ ...settlement, attempts: 1, dueAt }]);
    const closed = [{ key: settlement.key, as: 'done' as const }];
    await scene().store.saveProgress(fence, scene().progress({ closed }), scene().now);
    expect(await status()).toEqual({ action: SEEN, state: 'done', reason: null });
  });

  it('removeWebhook() settles what the other webhooks came to', async () => {
    const { account, refs, due } = await message(scene(), { onDelivered: SEEN }, 2);
    await scene().end(refs[0] as never, scene().delivered());
    await scene().store.removeWebhook((refs[1] as (typeof refs)[number]).webhookId, scene().now);
    expect(await due()).toMatchObject([{ action: SEEN }]);
    expect(await scene().store.dueWork(scene().now, 10)).toMatchObject([{ kind: 'account', id: account.id }]);
  });

  it('removeWebhook() of the only one settles nothing', async () => {
    const { ref, due, status } = await message(scene(), {
      onDelivered: DELETE,
      onFailed: FLAG,
      deleteAfterDays: 1,
    });
    await scene().store.removeWebhook(ref.webhookId, scene().now);
    scene().clock.advance(2 * DAY);
    expect(await due()).toEqual([]);
    expect(await status()).toEqual({ action: { kind: 'none' }, state: 'none', reason: null });
  });
};
