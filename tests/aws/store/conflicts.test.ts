import { describe, expect, it } from 'vitest';
import { FIRST, MINUTE, TTL } from '../../contract/fixtures.ts';
import { openScene } from './dynamo-scene.ts';
import { answerInstead, beforeNext, ofKind, refuse, type SeenRequest, stop, watch } from './faults.ts';
import { counters, message } from './message.ts';

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
    await scene.store.finish([{ claim: one, outcome: scene.delivered() }], scene.now);
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
