import { describe, expect, it } from 'vitest';
import type { EventId } from '../../../shared/identity.ts';
import { DAY, MINUTE, TTL } from '../../contract/fixtures.ts';
import { type DynamoScene, openScene } from './dynamo-scene.ts';
import { type Spent, watch } from './faults.ts';

const isWrite = ({ operation }: Spent) => /^(?:Update|Put|Delete|BatchWrite|TransactWrite)/.test(operation);
const unitsOf = (spent: readonly Spent[]) => spent.reduce((sum, { units }) => sum + units, 0);
const operationsOf = (spent: readonly Spent[]) => spent.map(({ operation }) => operation);

/** A mailbox with a past: events with their digests, and as many messages that are to be deleted some day. */
async function withHistory({ scene }: DynamoScene, events: number) {
  const account = await scene.addAccount('ana', { deleteAfterDays: 300 });
  const { id: webhookId } = await scene.addWebhook();
  const ids = await scene.commit(account, [webhookId], events);
  const claims = await scene.store.claim(
    ids.map((eventId: EventId) => ({ eventId, webhookId })),
    scene.now,
    TTL,
  );
  const done = claims.map((claim) => ({ claim, outcome: scene.delivered() }));
  await scene.store.finish(done, scene.now);
  const fence = await scene.lease(account.id);
  await scene.store.saveProgress(fence, scene.progress({ cursor: scene.cursor() }), scene.now);
  await scene.store.release(fence, scene.health());
  return account;
}

describe('the budget of the store on DynamoDB', () => {
  it.each([0, 150])(
    'an idle poll takes 2 write and 2 read units with %i events behind it',
    async (events) => {
      const opened = await openScene();
      const { id } = await withHistory(opened, events);
      const { scene, client } = opened;
      const { store } = scene;
      scene.clock.advance(DAY);
      const spent = watch(client);
      const acquired = await store.acquire(id, { slot: scene.now.toISOString() }, scene.now, TTL);
      if (acquired.kind !== 'acquired') throw new Error(acquired.kind);
      expect(await store.pollState(id, scene.now)).toMatchObject({ gaps: [], settlements: [] });
      await store.release(acquired.fence, scene.health());
      expect(operationsOf(spent)).toEqual(['UpdateItem', 'GetItem', 'Query', 'UpdateItem']);
      expect(unitsOf(spent.filter(isWrite))).toBe(2);
      expect(unitsOf(spent.filter((one) => !isWrite(one)))).toBeLessThanOrEqual(2);
    },
  );

  it('a tick with nothing due makes a query for each interval class and one for what is due', async () => {
    const opened = await openScene();
    await withHistory(opened, 30);
    const { scene, client } = opened;
    // The tick after a poll by hand looks what is left to do, and puts the account where its next work is.
    scene.clock.advance(3 * MINUTE);
    expect(await scene.store.dueWork(scene.now, 1_000)).toEqual([]);
    scene.clock.advance(MINUTE);
    const spent = watch(client);
    for await (const account of scene.store.dueAccounts(new Date(scene.clock.nowMs - MINUTE), scene.now)) {
      expect(account.id).toMatch(/^acc_/);
    }
    expect(await scene.store.dueWork(scene.now, 1_000)).toEqual([]);
    await scene.store.saveTick(scene.now);
    const queries = spent.filter(({ operation }) => operation === 'Query');
    expect(queries).toHaveLength(14 + 1);
    expect(unitsOf(queries)).toBeLessThanOrEqual(7.5);
    expect(operationsOf(spent.filter(isWrite))).toEqual(['PutItem']);
  });

  it('a tick makes one request more for each delivery that is due', async () => {
    const { scene, client } = await openScene();
    const account = await scene.addAccount();
    const { id } = await scene.addWebhook();
    await scene.commit(account, [id], 40);
    scene.clock.advance(2 * MINUTE);
    const spent = watch(client);
    expect(await scene.store.dueWork(scene.now, 1_000)).toHaveLength(40);
    expect(operationsOf(spent).toSorted()).toEqual(['Query', ...Array<string>(40).fill('UpdateItem')]);
  });

  it('a commit of 50 messages for one webhook takes two transactions', async () => {
    const { scene, client } = await openScene();
    const account = await scene.addAccount();
    const { id } = await scene.addWebhook();
    await scene.commit(account, [id]);
    const fence = await scene.lease(account.id);
    const batch = await Promise.all(Array.from({ length: 50 }, () => scene.event(account, [id])));
    const spent = watch(client);
    await scene.store.commit(fence, batch, scene.now);
    expect(operationsOf(spent)).toEqual(['TransactWriteItems', 'TransactWriteItems']);
  });

  it('a delivery that succeeds takes two requests to claim and six to finish at most', async () => {
    const { scene, client } = await openScene();
    const account = await scene.addAccount('ana', { onDelivered: { kind: 'mark-seen' } });
    const { id: webhookId } = await scene.addWebhook();
    const [eventId] = await scene.commit(account, [webhookId]);
    const spent = watch(client);
    const claim = await scene.claim({ eventId: eventId as EventId, webhookId });
    expect(operationsOf(spent.splice(0))).toEqual(['BatchGetItem', 'UpdateItem']);
    await scene.store.finish([{ claim, outcome: scene.delivered() }], scene.now);
    // Both items, the policy, the announcement; both of them with the settlement; the counts and the time of the success.
    expect(operationsOf(spent).slice(0, 4)).toEqual([
      ...['BatchGetItem', 'GetItem', 'UpdateItem', 'TransactWriteItems'],
    ]);
    expect(operationsOf(spent)).toHaveLength(6);
  });

  it('parking many behind a closed gate writes their webhook once', async () => {
    const { scene, client } = await openScene();
    const account = await scene.addAccount();
    const { id: webhookId } = await scene.addWebhook({ state: 'disabled', reason: 'by hand' });
    const ids = await scene.commit(account, [webhookId], 30);
    const refs = ids.map((eventId) => ({ eventId, webhookId }));
    const spent = watch(client);
    for (let at = 0; at < 30; at += 10) await scene.store.claim(refs.slice(at, at + 10), scene.now, TTL);
    const ofWebhook = spent.filter(({ operation, input }) => {
      return operation === 'UpdateItem' && JSON.stringify(input.Key).includes(`H#${webhookId}`);
    });
    expect(ofWebhook).toHaveLength(1);
    expect(spent.filter(({ operation }) => operation === 'UpdateItem')).toHaveLength(31);
  });
});
