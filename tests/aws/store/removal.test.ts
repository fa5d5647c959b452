import { describe, expect, it } from 'vitest';
import type { EventId } from '../../../shared/identity.ts';
import { FIRST, MINUTE } from '../../contract/fixtures.ts';
import { openScene } from './dynamo-scene.ts';
import { ofKind, stop } from './faults.ts';

const goOn = () => true;

describe('removals that are cut off, and what comes after them', () => {
  it('createAccount() waits until nothing is left of the account that it takes the place of', async () => {
    const { scene, client, other } = await openScene();
    const account = await scene.addAccount();
    const [first] = (await scene.commit(account, [], 1)) as [EventId];
    const stopped = stop(client, ofKind('BatchWriteItem'));
    await expect(scene.store.removeAccount(account.id)).rejects.toThrow('ended');
    stopped.active = false;
    scene.clock.advance(MINUTE);
    expect((await scene.store.known([first])).size).toBe(1);
    expect(await other().store.createAccount(account)).toBe('ok');
    expect((await scene.store.known([first])).size).toBe(0);
  });

  it('a removal that was cut off is gone on with by the tick, once whoever did it is dead', async () => {
    const { scene, client, maintain, other } = await openScene();
    const account = await scene.addAccount();
    const ids = await scene.commit(account, [], 3);
    const stopped = stop(client, ofKind('BatchWriteItem'));
    await expect(scene.store.removeAccount(account.id)).rejects.toThrow('ended');
    stopped.active = false;
    await maintain(scene.now, goOn);
    expect((await other().store.known(ids)).size).toBeGreaterThan(0);
    scene.clock.advance(MINUTE);
    await maintain(scene.now, goOn);
    expect((await other().store.known(ids)).size).toBe(0);
  });

  it('the tick leaves the events of an account alone that was created again', async () => {
    const { scene, maintain } = await openScene();
    const account = await scene.addAccount();
    await scene.commit(account, [], 2);
    await scene.store.removeAccount(account.id);
    scene.clock.advance(MINUTE);
    await scene.addAccount();
    const fence = await scene.lease(account.id);
    await scene.store.saveProgress(fence, scene.progress({ cursor: scene.cursor() }), scene.now);
    const event = await scene.event(account, []);
    await scene.store.commit(fence, [event], scene.now);
    for (let minute = 0; minute < 40; minute += 5) {
      scene.clock.advance(5 * MINUTE);
      await maintain(scene.now, goOn);
    }
    expect((await scene.store.known([event.id])).size).toBe(1);
    expect((await scene.store.pollState(account.id, scene.now)).cursors).toHaveLength(1);
    expect(await scene.store.knownDigests(account.id, [event.digest ?? ''])).toEqual(new Set([event.digest]));
  });

  it('a removed webhook keeps its ended deliveries in the lists, and is in none itself', async () => {
    const { scene } = await openScene();
    const account = await scene.addAccount();
    const { id: webhookId } = await scene.addWebhook();
    const claim = await scene.commitAndClaim(account, webhookId);
    await scene.store.finish([{ claim, outcome: scene.delivered() }], scene.now);
    await scene.store.removeWebhook(webhookId, scene.now);
    expect((await scene.store.webhooks(FIRST)).data).toEqual([]);
    expect((await scene.store.deliveries({}, FIRST)).data).toMatchObject([{ state: 'delivered' }]);
  });
});
