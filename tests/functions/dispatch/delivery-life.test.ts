import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dispatch } from '../../../functions/dispatch/dispatch.ts';
import { RETRY_DELAYS_MS } from '../../../shared/delivery.ts';
import type { WebhookId } from '../../../shared/identity.ts';
import { type DispatchWorld, openDispatchWorld } from '../../support/dispatch-world.ts';
import { type Receiver, type ReceiverOptions, startReceiver } from '../../support/receiver.ts';

const SECRET = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const MINUTE_MS = 60_000;
let world: DispatchWorld;
let receiver: Receiver;

beforeEach(async () => {
  world = await openDispatchWorld();
});

afterEach(async () => {
  await receiver.close();
  await world[Symbol.asyncDispose]();
});

async function receive(answer: NonNullable<ReceiverOptions['answer']>) {
  receiver = await startReceiver({ secret: SECRET, now: world.clock.now, answer });
  return world.addWebhook(receiver.url, SECRET);
}

const event = (subject: string) =>
  JSON.stringify({ type: 'message.received', timestamp: '', data: { subject, text: 'x'.repeat(500) } });

const statesOf = async (id: WebhookId) => {
  const states: Record<string, number> = {};
  for (const { state } of await world.deliveriesOf(id)) states[state] = (states[state] ?? 0) + 1;
  return states;
};

/** Ticks every 10 s for so long. */
async function pass(durationMs: number): Promise<void> {
  for (const end = world.clock.time + durationMs; world.clock.time < end; ) {
    world.clock.time += 10_000;
    await world.tick();
  }
}

describe('a delivery on the embedded store', () => {
  it('is attempted ten times at the promised times with one id and the same bytes, then exhausted', async () => {
    const attemptedAt: number[] = [];
    const webhook = await receive(() => {
      attemptedAt.push(world.clock.time);
      return 500;
    });
    await world.commit([event('a')]);
    const start = world.clock.time + 2 * MINUTE_MS;
    world.clock.time = start;
    for (let attempt = 1; attempt <= 10; attempt++) {
      await world.tick();
      expect(attemptedAt).toHaveLength(attempt);
      const [delivery] = await world.deliveriesOf(webhook.id);
      if (delivery?.nextAttemptAt == null) break;
      // Nothing happens a moment before its time.
      world.clock.time = Date.parse(delivery.nextAttemptAt) - 1;
      expect(await world.tick()).toBe(0);
      world.clock.time += 1;
    }
    let dueAt = start;
    const promised = [dueAt, ...RETRY_DELAYS_MS.map((delayMs) => (dueAt += delayMs))];
    expect(attemptedAt).toEqual(promised);
    const [delivery] = await world.deliveriesOf(webhook.id);
    expect(delivery).toMatchObject({ state: 'exhausted', attemptCount: 10, nextAttemptAt: null });
    expect(new Set(receiver.requests.map(({ id }) => id)).size).toBe(1);
    expect(new Set(receiver.requests.map(({ body }) => body.toString())).size).toBe(1);
    expect(receiver.requests.map(({ headers }) => headers['mailhook-attempt'])).toEqual(
      Array.from({ length: 10 }, (_, i) => String(i + 1)),
    );
    expect(receiver.faults).toEqual([]);
  });

  it('waits with all others behind the gate that a Retry-After closed, and leaves 1, 2, 4 at a time', async () => {
    let open = false;
    const webhook = await receive(() => (open ? 200 : { status: 429, headers: { 'retry-after': '600' } }));
    await world.commit(Array.from({ length: 8 }, (_, n) => event(`${n}`)));
    await pass(3 * MINUTE_MS);
    expect(await statesOf(webhook.id)).toMatchObject({ pending: expect.any(Number) });
    const before = receiver.requests.length;
    await world.commit(Array.from({ length: 40 }, (_, n) => event(`later ${n}`)));
    await pass(6 * MINUTE_MS);
    expect(receiver.requests).toHaveLength(before);
    open = true;
    const counts: number[] = [];
    for (let i = 0; i < 60; i++) {
      const had = receiver.requests.length;
      await pass(10_000);
      if (receiver.requests.length > had) counts.push(receiver.requests.length - had);
    }
    expect(await statesOf(webhook.id)).toEqual({ delivered: 48 });
    expect(counts).toEqual(expect.arrayContaining([2, 4, 8, 16]));
    const delivered = await world.deliveriesOf(webhook.id);
    // What the receiver asked to wait for was charged to none of them.
    expect(delivered.every(({ attemptCount }) => attemptCount === 1)).toBe(true);
    expect(receiver.faults).toEqual([]);
  });

  it('parks when a 410 disables its webhook, and is delivered when the owner enables it again', async () => {
    let status = 410;
    const webhook = await receive(() => status);
    await world.commit([event('a')]);
    await pass(3 * MINUTE_MS);
    await world.commit([event('b')]);
    await pass(3 * MINUTE_MS);
    expect(receiver.requests).toHaveLength(1);
    expect(await statesOf(webhook.id)).toEqual({ parked: 2 });
    expect(await world.embedded.store.webhook(webhook.id)).toMatchObject({
      state: 'disabled',
      reason: 'The receiver answered 410 Gone',
    });
    status = 200;
    await world.embedded.store.updateWebhook(
      webhook.id,
      { state: 'enabled', reason: null },
      world.clock.now(),
    );
    await pass(MINUTE_MS);
    expect(await statesOf(webhook.id)).toEqual({ delivered: 2 });
  });

  it('is taken once more under a webhook whose 2xx asked to stop, and the rest parks', async () => {
    const webhook = await receive(() => ({ status: 200, headers: { 'webhook-delivery': 'disable' } }));
    await world.commit([event('a')]);
    await pass(3 * MINUTE_MS);
    await world.commit([event('b')]);
    await pass(3 * MINUTE_MS);
    expect(await statesOf(webhook.id)).toEqual({ delivered: 1, parked: 1 });
  });

  it('sends less after a 413, and the whole event to a webhook that takes it', async () => {
    const small = await receive(({ body }) => (body.length > 300 ? 413 : 200));
    const large = await startReceiver({ secret: SECRET, now: world.clock.now });
    try {
      const whole = await world.addWebhook(large.url, SECRET);
      await world.commit([event('a')]);
      await pass(3 * MINUTE_MS);
      expect([await statesOf(small.id), await statesOf(whole.id)]).toEqual([
        { delivered: 1 },
        { delivered: 1 },
      ]);
      expect(large.requests[0]?.body.toString()).toBe(event('a'));
      expect(JSON.parse(String(receiver.requests[1]?.body)).data).toEqual({
        subject: 'a',
        text: null,
        html: null,
        attachments: [],
        truncated: ['text'],
      });
    } finally {
      await large.close();
    }
  });

  it('is repeated with the same id and bytes when the process dies between the 2xx and its record', async () => {
    const webhook = await receive(() => 200);
    const [eventId] = await world.commit([event('a')]);
    if (eventId === undefined) throw new Error('Nothing was committed');
    const store = { ...world.deps.store, finish: () => Promise.reject(new Error('killed')) };
    const job = { kind: 'dispatch', deliveries: [{ eventId, webhookId: webhook.id }] } as const;
    await dispatch({ ...world.deps, store }, job);
    // While the lease lasts nobody attempts it again.
    await dispatch(world.deps, job);
    expect(receiver.requests).toHaveLength(1);
    world.clock.time += MINUTE_MS;
    await dispatch(world.deps, job);
    expect(await statesOf(webhook.id)).toEqual({ delivered: 1 });
    expect(receiver.accepted.get(eventId)).toHaveLength(2);
    expect(receiver.faults).toEqual([]);
  });

  it('is attempted once when the same job comes twice at the same time', async () => {
    const webhook = await receive(() => 200);
    const ids = await world.commit(Array.from({ length: 10 }, (_, n) => event(`${n}`)));
    const job = {
      kind: 'dispatch',
      deliveries: ids.map((eventId) => ({ eventId, webhookId: webhook.id })),
    } as const;
    await Promise.all([dispatch(world.deps, job), dispatch(world.deps, job), dispatch(world.deps, job)]);
    expect(receiver.requests).toHaveLength(10);
    expect(await statesOf(webhook.id)).toEqual({ delivered: 10 });
  });
});
