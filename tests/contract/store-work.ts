import { expect, it } from 'vitest';
import type { WorkRef } from '../../shared/ports/store.ts';
import { MINUTE, SECOND } from './fixtures.ts';
import type { Scene, StoreTests } from './scene.ts';

/** Everything due now. */
const due = (scene: Scene, limit = 100) => scene.store.dueWork(scene.now, limit);
const kinds = (work: readonly WorkRef[]) => work.map(({ kind }) => kind).sort();

/** An account with a gap that is due in a minute. */
async function addGap(scene: Scene, username = 'ana') {
  const account = await scene.addAccount(username);
  const fence = await scene.lease(account.id);
  const dueAt = new Date(scene.clock.nowMs + MINUTE);
  const opened = [{ item: scene.listed(), dueAt, error: 'no' }];
  await scene.store.saveProgress(fence, scene.progress({ opened }), scene.now);
  return { account, fence };
}

export const workTests: StoreTests = (scene) => {
  it('dueWork() finds a committed delivery 2 minutes later, in case the hint was lost', async () => {
    const { store, clock } = scene();
    const account = await scene().addAccount();
    const { id: webhookId } = await scene().addWebhook();
    const [eventId] = await scene().commit(account, [webhookId]);
    expect(await due(scene())).toEqual([]);
    clock.advance(2 * MINUTE);
    expect(await due(scene())).toEqual([{ kind: 'delivery', ref: { eventId, webhookId } }]);
    expect(await store.dueWork(scene().now, 100)).toEqual([]);
    clock.advance(2 * MINUTE);
    expect(kinds(await due(scene()))).toEqual(['delivery']);
  });

  it('dueWork() called twice at once finds each work once', async () => {
    const account = await scene().addAccount();
    const { id } = await scene().addWebhook();
    await scene().commit(account, [id], 20);
    scene().clock.advance(2 * MINUTE);
    const [one, two] = await Promise.all([due(scene()), due(scene())]);
    expect((one?.length ?? 0) + (two?.length ?? 0)).toBe(20);
  });

  it('dueWork() gives at most as many as asked for, the oldest first', async () => {
    const { clock } = scene();
    const account = await scene().addAccount();
    const { id: webhookId } = await scene().addWebhook();
    const [first] = await scene().commit(account, [webhookId]);
    clock.advance(SECOND);
    const [second] = await scene().commit(account, [webhookId]);
    clock.advance(2 * MINUTE);
    expect(await due(scene(), 1)).toEqual([{ kind: 'delivery', ref: { eventId: first, webhookId } }]);
    expect(await due(scene(), 1)).toEqual([{ kind: 'delivery', ref: { eventId: second, webhookId } }]);
    expect(await due(scene(), 1)).toEqual([]);
  });

  it('dueWork() finds a delivery at its next attempt, and none that is claimed', async () => {
    const { clock } = scene();
    const account = await scene().addAccount();
    const { id: webhookId } = await scene().addWebhook();
    const claim = await scene().commitAndClaim(account, webhookId);
    clock.advance(3 * MINUTE);
    expect(await due(scene())).toEqual([]);
    await scene().store.finish([{ claim, outcome: scene().retry(10 * MINUTE) }], scene().now);
    clock.advance(9 * MINUTE);
    expect(await due(scene())).toEqual([]);
    clock.advance(MINUTE);
    expect(kinds(await due(scene()))).toEqual(['delivery']);
  });

  it('dueWork() finds a delivery whose claim ended without an outcome', async () => {
    const account = await scene().addAccount();
    const { id: webhookId } = await scene().addWebhook();
    await scene().commitAndClaim(account, webhookId);
    scene().clock.advance(6 * MINUTE);
    expect(kinds(await due(scene()))).toEqual(['delivery']);
  });

  it('dueWork() finds an account with a gap once it is due and nobody polls it', async () => {
    const { account, fence } = await addGap(scene());
    scene().clock.advance(MINUTE);
    expect(await due(scene())).toEqual([]);
    await scene().store.release(fence, scene().health());
    expect(await due(scene())).toEqual([{ kind: 'account', id: account.id, host: account.host }]);
    expect(await due(scene())).toEqual([]);
  });

  it('dueWork() finds an account with a gap again when the poll it caused did not close it', async () => {
    const { account, fence } = await addGap(scene());
    await scene().store.release(fence, scene().health());
    scene().clock.advance(MINUTE);
    expect(kinds(await due(scene()))).toEqual(['account']);
    const again = await scene().lease(account.id);
    await scene().store.release(again, scene().health());
    expect(kinds(await due(scene()))).toEqual(['account']);
  });

  it('dueWork() does not find an account whose lease ended long ago twice, but does find it', async () => {
    await addGap(scene());
    scene().clock.advance(10 * MINUTE);
    expect(kinds(await due(scene()))).toEqual(['account']);
    expect(await due(scene())).toEqual([]);
  });

  it('dueWork() finds an account at the time of its backlog', async () => {
    const { store, clock } = scene();
    const account = await scene().addAccount();
    const fence = await scene().lease(account.id);
    await store.release(fence, scene().health({ backlogAt: new Date(clock.nowMs + SECOND) }));
    expect(await due(scene())).toEqual([]);
    clock.advance(SECOND);
    expect(kinds(await due(scene()))).toEqual(['account']);
    const next = await scene().lease(account.id);
    await store.release(next, scene().health());
    clock.advance(5 * MINUTE);
    expect(await due(scene())).toEqual([]);
  });

  it('dueWork() leaves an account alone until its back-off ends', async () => {
    const { store, clock } = scene();
    const { fence } = await addGap(scene());
    const notBefore = new Date(clock.nowMs + 10 * MINUTE);
    const error = { code: 'network', message: 'no', at: clock.now().toISOString() } as const;
    await store.release(fence, scene().health({ notBefore, error }));
    clock.advance(9 * MINUTE);
    expect(await due(scene())).toEqual([]);
    clock.advance(MINUTE);
    expect(kinds(await due(scene()))).toEqual(['account']);
  });

  it('dueWork() finds a paused account only when it is active again', async () => {
    const { store, clock } = scene();
    const { account, fence } = await addGap(scene());
    await store.release(fence, scene().health());
    await store.updateAccount(account.id, { state: 'paused', reason: 'by hand' });
    clock.advance(MINUTE);
    expect(await due(scene())).toEqual([]);
    await store.updateAccount(account.id, { state: 'active' });
    expect(kinds(await due(scene()))).toEqual(['account']);
  });
};
