import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import type { EventId } from '../../../shared/identity.ts';
import type { WorkRef } from '../../../shared/ports/store.ts';
import { FIRST, MINUTE, TTL } from '../../contract/fixtures.ts';
import type { Scene } from '../../contract/scene.ts';
import { openScene } from './dynamo-scene.ts';
import { answerInstead, ofIndex } from './faults.ts';

/** The indexes show nothing: what was written has not come to them yet. */
function hideAll(client: DynamoDBClient): { active: boolean } {
  return answerInstead(client, ofIndex, () => ({ Items: [], Count: 0 }));
}

/** While it is active the indexes show to each query what they showed to it before. */
function freeze(client: DynamoDBClient): { active: boolean } {
  const shown = new Map<string, object>();
  return answerInstead(client, ofIndex, ({ input }, real) => {
    // The end of a range of what is due, and the size of a page, differ from one question to the next.
    const { ':partition': partition } = input.ExpressionAttributeValues as Record<string, object>;
    const key = JSON.stringify([input.IndexName, partition]);
    const first = shown.get(key) ?? real;
    shown.set(key, first);
    return first;
  });
}

const due = (scene: Scene) => scene.store.dueWork(scene.now, 100);
const kinds = (work: readonly WorkRef[]) => work.map(({ kind }) => kind).sort();

/** A webhook whose gate closed for an hour, and a message that comes meanwhile. */
async function closedGate(scene: Scene) {
  const account = await scene.addAccount();
  const { id: webhookId } = await scene.addWebhook();
  const claim = await scene.commitAndClaim(account, webhookId);
  const gateUntil = new Date(scene.clock.nowMs + 60 * MINUTE);
  const outcome = scene.retry(100 * MINUTE, { charged: false, gateUntil });
  await scene.store.finish([{ claim, outcome }], scene.now);
  const [eventId] = (await scene.commit(account, [webhookId])) as [EventId];
  return { account, webhookId, ref: { eventId, webhookId } };
}

describe('an index that shows what was before', () => {
  it('dueWork() hands nothing out twice', async () => {
    const { scene, client } = await openScene();
    const account = await scene.addAccount();
    const { id } = await scene.addWebhook();
    await scene.commit(account, [id], 3);
    scene.clock.advance(2 * MINUTE);
    freeze(client);
    expect(kinds(await due(scene))).toEqual(['delivery', 'delivery', 'delivery']);
    expect(await due(scene)).toEqual([]);
  });

  it('dueWork() hands out no delivery that has ended', async () => {
    const { scene, client } = await openScene();
    const account = await scene.addAccount();
    const { id: webhookId } = await scene.addWebhook();
    const [eventId] = (await scene.commit(account, [webhookId])) as [EventId];
    const frozen = freeze(client);
    scene.clock.advance(2 * MINUTE);
    expect(kinds(await due(scene))).toEqual(['delivery']);
    frozen.active = false;
    await scene.end({ eventId, webhookId }, scene.delivered());
    frozen.active = true;
    scene.clock.advance(2 * MINUTE);
    expect(await due(scene)).toEqual([]);
  });

  it('dueWork() hands out no account whose work was done', async () => {
    const { scene, client } = await openScene();
    const account = await scene.addAccount();
    const fence = await scene.lease(account.id);
    const opened = [{ item: scene.listed(), dueAt: scene.now, error: 'no' }];
    await scene.store.saveProgress(fence, scene.progress({ opened }), scene.now);
    await scene.store.release(fence, scene.health());
    const frozen = freeze(client);
    expect(kinds(await due(scene))).toEqual(['account']);
    frozen.active = false;
    const again = await scene.lease(account.id);
    const [gap] = (await scene.store.pollState(account.id, scene.now)).gaps;
    const closed = [{ key: gap?.key as never, as: 'done' as const }];
    await scene.store.saveProgress(again, scene.progress({ closed }), scene.now);
    await scene.store.release(again, scene.health());
    frozen.active = true;
    scene.clock.advance(10 * MINUTE);
    expect(await due(scene)).toEqual([]);
  });

  it('releaseParked() releases nothing twice', async () => {
    const { scene, client } = await openScene();
    const { webhookId, ref } = await closedGate(scene);
    await scene.store.claim([ref], scene.now, TTL);
    scene.clock.advance(60 * MINUTE);
    freeze(client);
    expect(await scene.store.releaseParked(webhookId, 5, scene.now)).toEqual([ref]);
    expect(await scene.store.releaseParked(webhookId, 5, scene.now)).toEqual([]);
  });

  it('a paused account that the wheel still shows is not polled', async () => {
    const { scene, client } = await openScene();
    const { id } = await scene.addAccount('ana', { intervalSeconds: 60 });
    const found = async () => {
      const since = new Date(scene.clock.nowMs - MINUTE);
      const accounts = [];
      for await (const one of scene.store.dueAccounts(since, scene.now)) accounts.push(one);
      return accounts;
    };
    const frozen = freeze(client);
    expect(await found()).toHaveLength(1);
    frozen.active = false;
    await scene.store.updateAccount(id, { state: 'paused', reason: 'by hand' });
    frozen.active = true;
    const [shown] = await found();
    const slot = shown?.slot.toISOString() ?? '';
    expect((await scene.store.acquire(id, { slot }, scene.now, TTL)).kind).toBe('inactive');
  });

  it('lists show what the table has, in the state that it has', async () => {
    const { scene, client } = await openScene();
    const account = await scene.addAccount();
    const { id: webhookId } = await scene.addWebhook();
    const [eventId] = (await scene.commit(account, [webhookId])) as [EventId];
    const frozen = freeze(client);
    expect((await scene.store.messages({ state: 'pending' }, FIRST)).data).toHaveLength(1);
    expect((await scene.store.deliveries({ state: 'pending', webhookId }, FIRST)).data).toHaveLength(1);
    frozen.active = false;
    await scene.end({ eventId, webhookId }, scene.delivered());
    frozen.active = true;
    expect((await scene.store.messages({ state: 'pending' }, FIRST)).data).toEqual([]);
    expect((await scene.store.deliveries({ state: 'pending', webhookId }, FIRST)).data).toEqual([]);
  });
});

describe('an index that does not show yet what is there', () => {
  it('a delivery parked just as the gate opens is released all the same', async () => {
    const { scene, client } = await openScene();
    const { webhookId, ref } = await closedGate(scene);
    scene.clock.advance(60 * MINUTE - 1);
    await scene.store.claim([ref], scene.now, TTL);
    expect(await scene.store.delivery(ref)).toMatchObject({ state: 'parked' });
    scene.clock.advance(1);
    const hidden = hideAll(client);
    hidden.active = false;
    const work = (await due(scene)).filter(({ kind }) => kind === 'webhook');
    expect(work).toHaveLength(1);
    hidden.active = true;
    expect(await scene.store.releaseParked(webhookId, 1, scene.now)).toEqual([]);
    hidden.active = false;
    scene.clock.advance(2 * MINUTE);
    expect((await due(scene)).filter(({ kind }) => kind === 'webhook')).toHaveLength(1);
    expect(await scene.store.releaseParked(webhookId, 1, scene.now)).toEqual([ref]);
  });

  it('a webhook is not forgotten while the index may hide what is parked behind it', async () => {
    const { scene, client } = await openScene();
    const { webhookId, ref } = await closedGate(scene);
    await scene.store.claim([ref], scene.now, TTL);
    await scene.store.updateWebhook(webhookId, { state: 'enabled' }, scene.now);
    const parkedIndex = answerInstead(
      client,
      (request) =>
        ofIndex(request) && JSON.stringify(request.input.ExpressionAttributeValues).includes('#parked'),
      () => ({ Items: [], Count: 0 }),
    );
    for (let minute = 0; minute < 10; minute++) {
      expect(await due(scene)).toEqual([]);
      scene.clock.advance(MINUTE);
    }
    parkedIndex.active = false;
    expect(await due(scene)).toEqual([{ kind: 'webhook', id: webhookId, release: 1 }]);
  });

  it('a webhook without anything parked is looked at no more after a while', async () => {
    const { scene, client } = await openScene();
    const { id } = await scene.addWebhook({ state: 'disabled' });
    await scene.store.updateWebhook(id, { state: 'enabled' }, scene.now);
    let looks = 0;
    answerInstead(
      client,
      ({ operation }) => operation === 'GetItem',
      (_, real) => {
        looks += 1;
        return real;
      },
    );
    for (let minute = 0; minute < 60; minute++) {
      expect(await due(scene)).toEqual([]);
      scene.clock.advance(MINUTE);
    }
    expect(looks).toBeLessThanOrEqual(9);
  });

  it('removeAccount() finds later what the index hid from it', async () => {
    const { scene, client, maintain, other } = await openScene();
    const account = await scene.addAccount();
    const { id: webhookId } = await scene.addWebhook();
    const ids = await scene.commit(account, [webhookId], 3);
    const hidden = hideAll(client);
    expect(await scene.store.removeAccount(account.id)).toBe('ok');
    hidden.active = false;
    expect((await other().store.known(ids)).size).toBe(3);
    scene.clock.advance(15 * MINUTE);
    await maintain(scene.now, () => true);
    expect((await scene.store.known(ids)).size).toBe(0);
  });

  it('removeWebhook() cancels later what the index hid from it', async () => {
    const { scene, client, maintain } = await openScene();
    const { webhookId, ref } = await closedGate(scene);
    await scene.store.claim([ref], scene.now, TTL);
    const hidden = hideAll(client);
    await scene.store.removeWebhook(webhookId, scene.now);
    hidden.active = false;
    expect(await scene.store.delivery(ref)).toMatchObject({ state: 'parked' });
    scene.clock.advance(15 * MINUTE);
    await maintain(scene.now, () => true);
    expect(await scene.store.delivery(ref)).toMatchObject({ state: 'cancelled' });
  });
});
