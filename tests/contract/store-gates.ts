import { expect, it } from 'vitest';
import type { EventId, WebhookId } from '../../shared/identity.ts';
import { MINUTE, TTL } from './fixtures.ts';
import type { Scene, StoreTests } from './scene.ts';

const HOUR = 60 * MINUTE;

/** A webhook whose gate was just closed for an hour, by the first of so many messages; the others are parked behind it. */
async function closedGate(scene: Scene, parked: number) {
  const account = await scene.addAccount();
  const { id } = await scene.addWebhook();
  const claim = await scene.commitAndClaim(account, id);
  const close = (until: Date) =>
    scene.retry(until.getTime() - scene.clock.nowMs, { charged: false, gateUntil: until });
  const until = new Date(scene.clock.nowMs + HOUR);
  await scene.store.finish([{ claim, outcome: close(until) }], scene.now);
  const eventIds = await scene.commit(account, [id], parked);
  const refs = eventIds.map((eventId) => ({ eventId, webhookId: id }));
  expect(await scene.store.claim(refs, scene.now, TTL)).toEqual([]);
  return { account, id, first: claim.ref, refs, until, close };
}

const releases = async (scene: Scene) =>
  (await scene.store.dueWork(scene.now, 10_000)).flatMap((work) => (work.kind === 'webhook' ? work : []));

const stateOf = async (scene: Scene, ref: { eventId: EventId; webhookId: WebhookId }) =>
  (await scene.store.delivery(ref))?.state;

export const gateTests: StoreTests = (scene) => {
  it('finish() with a gate closes it for all deliveries of the webhook, and is shown', async () => {
    const { id, refs, first, until } = await closedGate(scene(), 2);
    expect(await scene().store.webhook(id)).toMatchObject({
      ...{ state: 'enabled', gate: { reason: 'retry-after', until: until.toISOString() } },
    });
    for (const ref of refs)
      expect(await scene().store.delivery(ref)).toMatchObject({ state: 'parked', nextAttemptAt: null });
    expect(await stateOf(scene(), first)).toBe('pending');
    expect((await scene().store.counts()).deliveries).toMatchObject({ parked: 2, pending: 1 });
    expect((await scene().store.message(refs[0]?.eventId as EventId))?.event.open).toBe(1);
  });

  it('finish() never makes a gate open earlier than another attempt asked for', async () => {
    const { id, first, close, until } = await closedGate(scene(), 0);
    scene().clock.advance(HOUR);
    const claim = await scene().claim(first);
    const longer = new Date(scene().clock.nowMs + 2 * HOUR);
    await scene().store.finish([{ claim, outcome: close(longer) }], scene().now);
    await scene().store.replay(first, 'retry', scene().now);
    expect((await scene().store.webhook(id))?.gate?.until).toBe(longer.toISOString());
    expect(longer > until).toBe(true);
  });

  it('dueWork() finds one webhook when the gate ends, whatever waits behind it', async () => {
    const { id } = await closedGate(scene(), 30);
    scene().clock.advance(HOUR - MINUTE);
    expect(await releases(scene())).toEqual([]);
    scene().clock.advance(MINUTE);
    expect(await releases(scene())).toEqual([{ kind: 'webhook', id, release: 1 }]);
    expect(await releases(scene())).toEqual([]);
    scene().clock.advance(2 * MINUTE);
    expect(await releases(scene())).toEqual([{ kind: 'webhook', id, release: 1 }]);
    expect((await scene().store.webhook(id))?.gate).toBeNull();
  });

  it('releaseParked() lets 1, 2, 4, … go, the oldest first, until none is left', async () => {
    const { store, clock } = scene();
    const { id, refs } = await closedGate(scene(), 10);
    clock.advance(HOUR);
    const released: unknown[] = [];
    for (const expected of [1, 2, 4, 3]) {
      const [work] = await releases(scene());
      if (work === undefined) throw new Error(`Nothing is due before the ${expected}`);
      const refs = await store.releaseParked(id, work.release, scene().now);
      expect(refs).toHaveLength(expected);
      released.push(...refs);
      clock.advance(MINUTE);
    }
    expect(new Set(released.map((ref) => JSON.stringify(ref)))).toEqual(
      new Set(refs.map((ref) => JSON.stringify(ref))),
    );
    clock.advance(HOUR);
    expect(await releases(scene())).toEqual([]);
    expect((await store.counts()).deliveries).toMatchObject({ parked: 0, pending: 11 });
  });

  it('releaseParked() lets the one go first that came first', async () => {
    const { store, clock } = scene();
    const { account, id, refs } = await closedGate(scene(), 1);
    clock.advance(MINUTE);
    const [later] = await scene().commit(account, [id]);
    await store.claim([{ eventId: later as EventId, webhookId: id }], scene().now, TTL);
    clock.advance(HOUR);
    expect(await store.releaseParked(id, 1, scene().now)).toEqual(refs);
  });

  it('releaseParked() hands out deliveries that can be claimed at once, and are found if the hint is lost', async () => {
    const { id } = await closedGate(scene(), 1);
    scene().clock.advance(HOUR);
    const [ref] = await scene().store.releaseParked(id, 1, scene().now);
    if (ref === undefined) throw new Error('One was parked');
    expect(await scene().store.delivery(ref)).toMatchObject({
      state: 'pending',
      nextAttemptAt: scene().now.toISOString(),
    });
    scene().clock.advance(2 * MINUTE);
    expect(await scene().store.dueWork(scene().now, 100)).toContainEqual({ kind: 'delivery', ref });
    expect(await scene().claim(ref)).toMatchObject({ ref });
  });

  it('releaseParked() releases at most 1,024 at once, however often it doubled', async () => {
    const { id } = await closedGate(scene(), 2_100);
    scene().clock.advance(HOUR);
    let largest = 0;
    for (let round = 0; round < 12; round++) {
      const [work] = await releases(scene());
      if (work === undefined) break;
      largest = Math.max(largest, work.release);
      await scene().store.releaseParked(id, work.release, scene().now);
      scene().clock.advance(MINUTE);
    }
    expect(largest).toBe(1_024);
    expect((await scene().store.counts()).deliveries.parked).toBe(0);
  });

  it('a gate that closes anew is opened for one again', async () => {
    const { store, clock } = scene();
    const { id, close } = await closedGate(scene(), 20);
    clock.advance(HOUR);
    let last: Awaited<ReturnType<typeof store.releaseParked>> = [];
    for (let round = 0; round < 3; round++) {
      const [work] = await releases(scene());
      last = await store.releaseParked(id, work?.release ?? 0, scene().now);
      clock.advance(MINUTE);
    }
    const [claim] = await store.claim(last, scene().now, TTL);
    if (claim === undefined) throw new Error('One can be claimed');
    await store.finish([{ claim, outcome: close(new Date(clock.nowMs + HOUR)) }], scene().now);
    expect(await releases(scene())).toEqual([]);
    clock.advance(HOUR);
    expect(await releases(scene())).toEqual([{ kind: 'webhook', id, release: 1 }]);
  });

  it('releaseParked() releases nothing through a closed gate', async () => {
    const { id, refs } = await closedGate(scene(), 2);
    expect(await scene().store.releaseParked(id, 2, scene().now)).toEqual([]);
    expect(await stateOf(scene(), refs[0] as never)).toBe('parked');
  });

  it('finish() that disables parks the delivery, uncharged, with no time to come', async () => {
    const { store, clock } = scene();
    const account = await scene().addAccount();
    const { id } = await scene().addWebhook();
    const claim = await scene().commitAndClaim(account, id);
    const attempt = scene().attempt({ status: 410, outcome: 'gone', error: 'gone' });
    await store.finish(
      [{ claim, outcome: { kind: 'disable', attempt, reason: 'answered 410' } }],
      scene().now,
    );
    expect(await store.delivery(claim.ref)).toMatchObject({
      state: 'parked',
      attemptCount: 0,
      attempts: [attempt],
    });
    expect(await store.webhook(id)).toMatchObject({
      ...{ state: 'disabled', reason: 'answered 410', gate: { reason: 'disabled', until: null } },
    });
    clock.advance(100 * HOUR);
    expect(await store.dueWork(scene().now, 100)).toEqual([]);
  });

  it('updateWebhook() that disables closes the gate, and one that enables makes the parked due', async () => {
    const { store, clock } = scene();
    const { id, refs } = await closedGate(scene(), 3);
    const disabled = await store.updateWebhook(id, { state: 'disabled', reason: 'by hand' }, scene().now);
    expect(disabled).toMatchObject({ reason: 'by hand', gate: { reason: 'disabled', until: null } });
    clock.advance(2 * HOUR);
    expect(await releases(scene())).toEqual([]);
    const enabled = await store.updateWebhook(id, { state: 'enabled' }, scene().now);
    expect(enabled).toMatchObject({ state: 'enabled', reason: null, gate: null });
    expect(await releases(scene())).toEqual([{ kind: 'webhook', id, release: 1 }]);
    expect(await store.releaseParked(id, 1, scene().now)).toEqual(refs.slice(0, 1));
  });

  it('updateWebhook() that enables opens a gate that Retry-After closed', async () => {
    const { id } = await closedGate(scene(), 1);
    await scene().store.updateWebhook(id, { state: 'enabled' }, scene().now);
    expect(await releases(scene())).toHaveLength(1);
  });

  it('claim() parks behind a disabled webhook, which is not due for that', async () => {
    const account = await scene().addAccount();
    const { id } = await scene().addWebhook({ state: 'disabled', reason: 'by hand' });
    const [eventId] = await scene().commit(account, [id]);
    const ref = { eventId: eventId as EventId, webhookId: id };
    expect(await scene().store.claim([ref], scene().now, TTL)).toEqual([]);
    expect(await stateOf(scene(), ref)).toBe('parked');
    scene().clock.advance(HOUR);
    expect(await scene().store.dueWork(scene().now, 100)).toEqual([]);
  });
};
