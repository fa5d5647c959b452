import { describe, expect, it } from 'vitest';
import { MINUTE, TTL } from '../../contract/fixtures.ts';
import { openScene } from './dynamo-scene.ts';
import { loseAnswers, ofKind } from './faults.ts';
import { counters, message } from './message.ts';

describe('an answer that was lost after the request was done', () => {
  it('acquire() has the lease', async () => {
    const { scene, client } = await openScene();
    const { id } = await scene.addAccount();
    loseAnswers(client, ofKind('UpdateItem'));
    const acquired = await scene.store.acquire(id, 'manual', scene.now, TTL);
    if (acquired.kind !== 'acquired') throw new Error(acquired.kind);
    expect(await scene.store.renew(acquired.fence, scene.now, TTL)).toBe(true);
  });

  it('release() counts a failure once', async () => {
    const { scene, client } = await openScene();
    const { id } = await scene.addAccount();
    const fence = await scene.lease(id);
    loseAnswers(client, ofKind('UpdateItem'));
    const error = { code: 'network', message: 'no', at: scene.now.toISOString() } as const;
    await scene.store.release(fence, scene.health({ error }));
    expect(await scene.store.account(id)).toMatchObject({ consecutiveFailures: 1 });
    expect((await scene.store.acquire(id, 'manual', scene.now, TTL)).kind).toBe('acquired');
  });

  it('createAccount() is ok, not taken by itself', async () => {
    const { scene, client } = await openScene();
    loseAnswers(client, ofKind('TransactWriteItems'));
    expect(await scene.store.createAccount(scene.account())).toBe('ok');
  });

  it('commit() has committed, not found its own events', async () => {
    const { scene, client } = await openScene();
    const account = await scene.addAccount();
    const fence = await scene.lease(account.id);
    const event = await scene.event(account, []);
    loseAnswers(client, ofKind('TransactWriteItems'));
    expect(await scene.store.commit(fence, [event], scene.now)).toEqual({
      committed: [event.id],
      existing: [],
    });
  });

  it('claim() hands out what it took', async () => {
    const { scene, client } = await openScene();
    const { refs } = await message(scene, 1);
    loseAnswers(client, ofKind('UpdateItem'));
    expect(await scene.store.claim(refs, scene.now, TTL)).toHaveLength(1);
  });

  it('finish() counts once, whatever the outcome', async () => {
    const { scene, client } = await openScene();
    const { eventId, refs } = await message(scene, 2, { onDelivered: { kind: 'mark-seen' } });
    const [one, two] = await scene.store.claim(refs, scene.now, TTL);
    if (one === undefined || two === undefined) throw new Error('Both can be claimed');
    loseAnswers(client, ofKind('TransactWriteItems'), 2);
    await scene.store.finish([{ claim: one, outcome: scene.delivered() }], scene.now);
    await scene.store.finish([{ claim: two, outcome: scene.delivered() }], scene.now);
    expect(await counters(scene, eventId)).toEqual([0, 2, 0]);
  });

  it('finish() for a retry counts the attempt once', async () => {
    const { scene, client } = await openScene();
    const { refs } = await message(scene, 1);
    const [claim] = await scene.store.claim(refs, scene.now, TTL);
    if (claim === undefined) throw new Error('It can be claimed');
    loseAnswers(client, ofKind('UpdateItem'));
    await scene.store.finish([{ claim, outcome: scene.retry(MINUTE) }], scene.now);
    expect(await scene.store.delivery(claim.ref)).toMatchObject({ attemptCount: 1, attempts: [{}] });
  });

  it('saveProgress() counts the try of a gap once', async () => {
    const { scene, client } = await openScene();
    const { id } = await scene.addAccount();
    const fence = await scene.lease(id);
    const opened = [{ item: scene.listed(), dueAt: scene.now, error: 'no' }];
    await scene.store.saveProgress(fence, scene.progress({ opened }), scene.now);
    const [gap] = (await scene.store.pollState(id, scene.now)).gaps;
    if (gap === undefined) throw new Error('A gap was opened');
    loseAnswers(client, ofKind('TransactWriteItems'));
    const rescheduled = [{ key: gap.key, dueAt: scene.now, error: 'still' }];
    expect(await scene.store.saveProgress(fence, scene.progress({ rescheduled }), scene.now)).toBe('ok');
    expect((await scene.store.pollState(id, scene.now)).gaps).toMatchObject([{ attempts: 1 }]);
  });

  it('removeAccount() and removeWebhook() are ok', async () => {
    const { scene, client } = await openScene();
    const { account, refs } = await message(scene, 1);
    loseAnswers(client, ofKind('TransactWriteItems'), 2);
    expect(await scene.store.removeWebhook(refs[0]?.webhookId as never, scene.now)).toBe('ok');
    expect(await scene.store.removeAccount(account.id)).toBe('ok');
  });
});
