import { describe, expect, it } from 'vitest';
import type { EventId } from '../../../shared/identity.ts';
import { FIRST, MINUTE, TTL } from '../../contract/fixtures.ts';
import type { Scene } from '../../contract/scene.ts';
import { openScene } from './dynamo-scene.ts';
import {
  answerInstead,
  beforeNext,
  loseAnswers,
  ofKind,
  refuse,
  type SeenRequest,
  stop,
  watch,
} from './faults.ts';

/** A message with a delivery for each of so many webhooks. */
async function message(scene: Scene, webhooks: number, change = {}) {
  const account = await scene.addAccount('ana', change);
  const ids = [];
  for (let number = 0; number < webhooks; number++) ids.push((await scene.addWebhook()).id);
  const [eventId] = (await scene.commit(account, ids)) as [EventId];
  return { account, eventId, refs: ids.map((webhookId) => ({ eventId, webhookId })) };
}

const counters = async (scene: Scene, id: EventId) => {
  const event = (await scene.store.message(id))?.event;
  return [event?.open, event?.delivered, event?.failed];
};

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
    const { settling } = await scene.store.finish([{ claim: two, outcome: scene.delivered() }], scene.now);
    expect(settling).toHaveLength(1);
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

describe('requests that others are in the way of', () => {
  it.each(['in-conflict', 'throttled-in-transaction', 'throttled'] as const)(
    'a transaction that is %s is sent again until it is written',
    async (how) => {
      const { scene, client } = await openScene();
      const account = await scene.addAccount();
      const fence = await scene.lease(account.id);
      const event = await scene.event(account, []);
      const fault = refuse(client, ofKind('TransactWriteItems'), how, 5);
      expect(await scene.store.commit(fence, [event], scene.now)).toMatchObject({ committed: [event.id] });
      expect(fault.left).toBe(0);
    },
  );

  it('a table that is throttled for good is an outage, told in one line', async () => {
    const { scene, client } = await openScene();
    const { id } = await scene.addAccount();
    refuse(client, ofKind('UpdateItem'), 'throttled', 1_000);
    await expect(scene.store.acquire(id, 'manual', scene.now, TTL)).rejects.toThrow(
      'Cannot write an item: others were in the way 14 times, try again later',
    );
  });

  it('keys that a batch left out are asked for again', async () => {
    const { scene, client, table } = await openScene();
    const account = await scene.addAccount();
    const ids = await scene.commit(account, [], 30);
    const half = ({ input }: SeenRequest, real: object) => {
      const { Keys: keys = [] } = (input.RequestItems as Record<string, { Keys?: object[] }>)[table] ?? {};
      if (keys.length < 2) return real;
      const { Responses: responses } = real as { Responses: Record<string, object[]> };
      const left = keys.slice(0, Math.floor(keys.length / 2));
      const asked = new Set(left.map((key) => JSON.stringify(key)));
      const kept = (responses[table] ?? []).filter((item) => {
        const { pk, sk } = item as { pk: object; sk: object };
        return !asked.has(JSON.stringify({ pk, sk }));
      });
      return { Responses: { [table]: kept }, UnprocessedKeys: { [table]: { Keys: left } } };
    };
    answerInstead(client, ofKind('BatchGetItem'), half);
    expect((await scene.store.known(ids)).size).toBe(30);
  });

  it('deletions that a batch left out are sent again', async () => {
    const { scene, client, table, other } = await openScene();
    const { account, eventId } = await message(scene, 3);
    let left = 3;
    answerInstead(client, ofKind('BatchWriteItem'), ({ input }, real) => {
      if (left === 0) return real;
      left -= 1;
      return { UnprocessedItems: { [table]: (input.RequestItems as Record<string, object[]>)[table] } };
    });
    expect(await scene.store.removeAccount(account.id)).toBe('ok');
    expect(left).toBe(0);
    expect(await other().store.message(eventId)).toBeNull();
  });
});

describe('what changes between a read and the write after it', () => {
  it('finish() decides by the counters that another delivery left a moment ago', async () => {
    const { scene, client, other } = await openScene();
    const { account, eventId, refs } = await message(scene, 2, { onDelivered: { kind: 'mark-seen' } });
    const [one, two] = await scene.store.claim(refs, scene.now, TTL);
    if (one === undefined || two === undefined) throw new Error('Both can be claimed');
    beforeNext(client, ofKind('TransactWriteItems'), async () => {
      await other().store.finish([{ claim: two, outcome: scene.delivered() }], scene.now);
    });
    const { settling } = await scene.store.finish([{ claim: one, outcome: scene.delivered() }], scene.now);
    expect(settling).toEqual([account.id]);
    expect(await counters(scene, eventId)).toEqual([0, 2, 0]);
    expect((await scene.store.pollState(account.id, scene.now)).settlements).toHaveLength(1);
  });

  it('finish() of a claim that is taken over at that moment leaves the delivery alone', async () => {
    const { scene, client, other } = await openScene();
    const { eventId, refs } = await message(scene, 1);
    const [claim] = await scene.store.claim(refs, scene.now, TTL);
    if (claim === undefined) throw new Error('It can be claimed');
    beforeNext(client, ofKind('TransactWriteItems'), async () => {
      scene.clock.advance(TTL);
      expect(await other().store.claim(refs, scene.now, TTL)).toHaveLength(1);
    });
    await scene.store.finish([{ claim, outcome: scene.exhausted() }], scene.now);
    expect(await counters(scene, eventId)).toEqual([1, 0, 0]);
    expect(await scene.store.delivery(claim.ref)).toMatchObject({ state: 'pending', attempts: [] });
  });

  it('saveProgress() that closes a settlement keeps to a replay of that moment', async () => {
    const { scene, client, other } = await openScene();
    const { account, eventId, refs } = await message(scene, 1, { onDelivered: { kind: 'mark-seen' } });
    await scene.end(refs[0] as never, scene.delivered());
    const fence = await scene.lease(account.id);
    const { settlements } = await scene.store.pollState(account.id, scene.now);
    const closed = settlements.map(({ key }) => ({ key, as: 'done' as const }));
    beforeNext(client, ofKind('TransactWriteItems'), async () => {
      expect(await other().store.replay(refs[0] as never, 'replay', scene.now)).toBe('ok');
    });
    expect(await scene.store.saveProgress(fence, scene.progress({ closed }), scene.now)).toBe('ok');
    expect((await scene.store.message(eventId))?.event).toMatchObject({
      ...{ open: 1, delivered: 0, settlement: { state: 'done' } },
    });
  });

  it('updateAccount() is written on what another change left', async () => {
    const { scene, client, other } = await openScene();
    const { id } = await scene.addAccount();
    beforeNext(client, ofKind('TransactWriteItems'), async () => {
      await other().store.updateAccount(id, { maxSizeBytes: 5 });
    });
    expect(await scene.store.updateAccount(id, { intervalSeconds: 60 })).toMatchObject({
      ...{ intervalSeconds: 60, maxSizeBytes: 5 },
    });
  });

  it('updateWebhook() that deselects an account keeps the note of a selection made after it', async () => {
    const { scene, client, other } = await openScene();
    const account = await scene.addAccount();
    const { id } = await scene.addWebhook({ accounts: [account.id] });
    beforeNext(client, ofKind('DeleteItem'), async () => {
      await other().store.updateWebhook(id, { accounts: [account.id] }, scene.now);
    });
    await scene.store.updateWebhook(id, { accounts: [] }, scene.now);
    expect(await scene.store.subscribers(account.id, 'message.received')).toEqual([id]);
  });

  it('commit() whose lease is taken over between two transactions is fenced, and what it wrote stays', async () => {
    const { scene, client, other } = await openScene();
    const account = await scene.addAccount();
    const fence = await scene.lease(account.id);
    const batch = await Promise.all(Array.from({ length: 120 }, () => scene.event(account, [])));
    let transactions = 0;
    beforeNext(
      client,
      ({ operation }) => operation === 'TransactWriteItems' && ++transactions === 2,
      async () => {
        scene.clock.advance(TTL);
        await other().lease(account.id);
      },
    );
    expect(await scene.store.commit(fence, batch, scene.now)).toBe('fenced');
    const { data } = await scene.store.messages({}, FIRST);
    expect(data.length).toBeGreaterThan(0);
    expect(data.length).toBeLessThan(120);
  });

  it('the tick that looks between the announcement of a settlement and its writing does not forget it', async () => {
    const { scene, client, other } = await openScene();
    const { account, refs } = await message(scene, 1, { onDelivered: { kind: 'mark-seen' } });
    const claim = await scene.claim(refs[0] as never);
    beforeNext(client, ofKind('TransactWriteItems'), async () => {
      expect(await other().store.dueWork(scene.now, 10)).toEqual([]);
    });
    await scene.store.finish([{ claim, outcome: scene.delivered() }], scene.now);
    expect(await scene.store.dueWork(scene.now, 10)).toMatchObject([{ kind: 'account', id: account.id }]);
  });

  it('a settlement that was announced and never written is looked for, and forgotten', async () => {
    const { scene, client, other } = await openScene();
    const { refs } = await message(scene, 1, { onDelivered: { kind: 'mark-seen' } });
    const claim = await scene.claim(refs[0] as never);
    stop(client, ofKind('TransactWriteItems'));
    await expect(scene.store.finish([{ claim, outcome: scene.delivered() }], scene.now)).rejects.toThrow(
      'ended',
    );
    const { store } = other();
    scene.clock.advance(2 * MINUTE);
    expect(await store.dueWork(scene.now, 10)).toEqual([]);
    const spent = watch(client);
    scene.clock.advance(MINUTE);
    expect(await scene.store.dueWork(scene.now, 10)).toEqual([]);
    expect(spent).toHaveLength(1);
  });
});

describe('a process that ends in the middle', () => {
  it('saveProgress() of very much has not moved the cursor', async () => {
    const { scene, client, other } = await openScene();
    const { id } = await scene.addAccount();
    const fence = await scene.lease(id);
    const opened = Array.from({ length: 150 }, () => {
      return { item: scene.listed(), dueAt: scene.now, error: 'no' };
    });
    let transactions = 0;
    const second = ({ operation }: SeenRequest) => operation === 'TransactWriteItems' && ++transactions === 2;
    stop(client, second);
    const progress = scene.progress({ opened, cursor: scene.cursor() });
    await expect(scene.store.saveProgress(fence, progress, scene.now)).rejects.toThrow('ended');
    const { store } = other();
    const state = await store.pollState(id, scene.now);
    expect(state.cursors).toEqual([]);
    expect(state.gaps).toHaveLength(99);
    expect(await store.saveProgress(fence, progress, scene.now)).toBe('ok');
    expect(await store.pollState(id, scene.now)).toMatchObject({ cursors: [scene.cursor()] });
    expect((await store.pollState(id, scene.now)).gaps).toHaveLength(150);
  });

  it('removeAccount() leaves no delivery behind whose event is gone', async () => {
    const { scene, client, maintain, other } = await openScene();
    const { account, eventId, refs } = await message(scene, 2);
    let deletions = 0;
    const fault = stop(client, ({ operation }) => operation === 'BatchWriteItem' && ++deletions === 2);
    await expect(scene.store.removeAccount(account.id)).rejects.toThrow('ended');
    expect((await other().store.known([eventId])).size).toBe(1);
    fault.active = false;
    scene.clock.advance(MINUTE);
    await maintain(scene.now, () => true);
    expect((await other().store.known([eventId])).size).toBe(0);
    for (const ref of refs) expect(await other().store.delivery(ref)).toBeNull();
  });

  it('release() with a backlog that was announced, and no more, does no harm', async () => {
    const { scene, client, other } = await openScene();
    const { id } = await scene.addAccount();
    const fence = await scene.lease(id);
    let updates = 0;
    stop(client, ({ operation }) => operation === 'UpdateItem' && ++updates === 2);
    const health = scene.health({ backlogAt: scene.now });
    await expect(scene.store.release(fence, health)).rejects.toThrow('ended');
    const { store } = other();
    expect(await store.dueWork(scene.now, 10)).toEqual([]);
    expect((await store.acquire(id, 'manual', scene.now, TTL)).kind).toBe('busy');
    expect(await store.renew(fence, scene.now, TTL)).toBe(true);
    await store.release(fence, health);
    expect(await store.dueWork(scene.now, 10)).toMatchObject([{ kind: 'account', id }]);
  });
});
