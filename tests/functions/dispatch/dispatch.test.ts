import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dispatch } from '../../../functions/dispatch/dispatch.ts';
import {
  createFakeDispatch,
  type FakeDispatch,
  SECRET,
  seal,
  WEBHOOK_ID,
  webhookFor,
} from '../../support/fake-dispatch.ts';
import { type Receiver, type ReceiverOptions, startReceiver } from '../../support/receiver.ts';

const OLD_SECRET = 'whsec_//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=';
let fake: FakeDispatch;
let receiver: Receiver;

async function receive(options: ReceiverOptions = {}): Promise<void> {
  receiver = await startReceiver({ secret: SECRET, now: () => fake.now, ...options });
}

const event = (subject: string) =>
  JSON.stringify({ type: 'message.received', data: { subject, text: 'x'.repeat(99) } });
const outcomes = () => fake.finished.map(({ outcome }) => outcome);

beforeEach(() => {
  fake = createFakeDispatch();
});

afterEach(async () => {
  fake.post.close();
  await receiver.close();
});

describe('dispatch()', () => {
  it('posts the frozen bytes, signed, with the headers of the contract, and records each delivery', async () => {
    await receive();
    const headers = seal('{"Authorization":"Bearer t","X-Team":"a"}');
    const webhook = webhookFor(receiver.url, { headers });
    const claims = [1, 2, 3].map((n) => fake.add(n, event(`Grüße ${n}`), webhook, { trigger: 'replay' }));
    await dispatch(fake.deps, fake.jobOf(...claims));
    expect(receiver.faults).toEqual([]);
    expect(outcomes().map(({ kind }) => kind)).toEqual(['delivered', 'delivered', 'delivered']);
    const request = receiver.requests.find(({ id }) => id === claims[0]?.ref.eventId);
    expect(request?.body.toString()).toBe(event('Grüße 1'));
    expect(request?.headers).toMatchObject({
      'webhook-id': claims[0]?.ref.eventId,
      'webhook-timestamp': String(fake.now.getTime() / 1_000),
      'idempotency-key': claims[0]?.ref.eventId,
      'mailhook-event-type': 'message.received',
      'mailhook-webhook-id': WEBHOOK_ID,
      'mailhook-attempt': '1',
      'mailhook-trigger': 'replay',
      authorization: 'Bearer t',
      'x-team': 'a',
      accept: '*/*',
    });
  });

  it('sends a retry with the same id and bytes, and the time and number of its own attempt', async () => {
    await receive();
    const webhook = webhookFor(receiver.url);
    await dispatch(fake.deps, fake.jobOf(fake.add(1, event('a'), webhook)));
    fake.now = new Date(fake.now.getTime() + 3_600_000);
    await dispatch(fake.deps, fake.jobOf(fake.add(1, event('a'), webhook, { attemptCount: 3 })));
    const [first, second] = receiver.requests;
    expect([second?.id, second?.body]).toEqual([first?.id, first?.body]);
    expect(second?.headers['mailhook-attempt']).toBe('4');
    expect(Number(second?.headers['webhook-timestamp']) - Number(first?.headers['webhook-timestamp'])).toBe(
      3_600,
    );
    expect(receiver.faults).toEqual([]);
  });

  it('signs with every live secret and with no expired one', async () => {
    await receive({ secret: OLD_SECRET });
    const secretsUntil = (expiresAt: Date) => [
      { sealed: seal(SECRET), expiresAt: null },
      { sealed: seal(OLD_SECRET), expiresAt: expiresAt.toISOString() },
    ];
    const live = webhookFor(receiver.url, { secrets: secretsUntil(new Date(fake.now.getTime() + 1)) });
    await dispatch(fake.deps, fake.jobOf(fake.add(1, event('a'), live)));
    const expired = webhookFor(receiver.url, { secrets: secretsUntil(fake.now) });
    await dispatch(fake.deps, fake.jobOf(fake.add(2, event('b'), expired)));
    expect(outcomes().map(({ attempt }) => attempt.status)).toEqual([200, 401]);
  });

  it('opens a sealed value once, however many deliveries need it', async () => {
    await receive();
    const webhook = webhookFor(receiver.url, { headers: seal('{"x-a":"b"}') });
    const claims = Array.from({ length: 10 }, (_, n) => fake.add(n, event(`${n}`), webhook));
    await dispatch(fake.deps, fake.jobOf(...claims));
    await dispatch(fake.deps, fake.jobOf(...claims));
    expect(receiver.requests).toHaveLength(20);
    expect(fake.opened).toHaveLength(2);
  });

  it('records each delivery as soon as it ends: a slow one holds up no other', async () => {
    const slowAnswer = Promise.withResolvers<number>();
    const recorded = Promise.withResolvers<void>();
    await receive({ answer: ({ path }) => (path === '/slow' ? slowAnswer.promise : 200) });
    const slow = fake.add(1, event('a'), webhookFor(`http://127.0.0.1:${receiver.port}/slow`));
    const quick = fake.add(2, event('b'), webhookFor(receiver.url));
    const finish: typeof fake.deps.store.finish = (done, now) => {
      recorded.resolve();
      return fake.deps.store.finish(done, now);
    };
    const deps = { ...fake.deps, store: { ...fake.deps.store, finish } };
    const done = dispatch(deps, fake.jobOf(slow, quick));
    await Promise.all([receiver.whenReceived(2), recorded.promise]);
    expect(fake.finished.map(({ claim }) => claim.ref)).toEqual([quick.ref]);
    slowAnswer.resolve(200);
    await done;
    expect(fake.finished).toHaveLength(2);
  });

  it('claims for longer than any attempt may take, whatever the webhook says', async () => {
    await receive();
    const timeouts: number[] = [];
    const claim = fake.add(1, event('a'), webhookFor(receiver.url, { timeoutSeconds: 10_000 }));
    const post: typeof fake.deps.post.post = (request) => {
      timeouts.push(request.timeoutMs);
      return fake.post.post(request);
    };
    await dispatch({ ...fake.deps, post: { post } }, fake.jobOf(claim));
    expect(timeouts).toEqual([30_000]);
    expect(fake.claimTtlsMs[0]).toBeGreaterThan(30_000 + 2_000);
  });

  it('enqueues the retries after 5 s and 5 min once more with their delay, and no others', async () => {
    await receive({ answer: () => 500 });
    for (const attemptCount of [0, 1, 2, 3]) {
      const claim = fake.add(attemptCount, event('a'), webhookFor(receiver.url), { attemptCount });
      await dispatch(fake.deps, fake.jobOf(claim));
    }
    expect(fake.enqueued.map(({ delayMs, group }) => [delayMs, group])).toEqual([
      [5_000, WEBHOOK_ID],
      [300_000, WEBHOOK_ID],
    ]);
    expect(fake.enqueued[0]?.job).toEqual({ kind: 'dispatch', deliveries: [fake.finished[0]?.claim.ref] });
  });

  it('never feeds itself: a schedule of short delays is enqueued twice at most', async () => {
    await receive({ answer: () => 500 });
    const deps = { ...fake.deps, retryDelaysMs: [10, 10, 10, 10, 10] };
    for (const attemptCount of [0, 1, 2, 3, 4]) {
      await dispatch(deps, fake.jobOf(fake.add(1, event('a'), webhookFor(receiver.url), { attemptCount })));
    }
    expect(fake.enqueued).toHaveLength(2);
  });

  it.each([
    ['429', { status: 429, headers: { 'retry-after': '60' } }],
    ['503 with Retry-After', { status: 503, headers: { 'retry-after': '60' } }],
    ['410', { status: 410 }],
  ])('leaves what comes after a %s to the gate of the webhook', async (_, answer) => {
    await receive({ answer: () => answer });
    await dispatch(fake.deps, fake.jobOf(fake.add(1, event('a'), webhookFor(receiver.url))));
    expect(fake.enqueued).toEqual([]);
    const [outcome] = outcomes();
    if (outcome?.kind === 'retry') expect(outcome.gateUntil?.getTime()).toBe(fake.now.getTime() + 60_000);
    else expect(outcome?.kind).toBe('disable');
  });

  it('freezes the reduced form after a 413, once', async () => {
    await receive({ answer: () => 413 });
    const webhook = webhookFor(receiver.url);
    await dispatch(fake.deps, fake.jobOf(fake.add(1, event('a'), webhook)));
    const [first] = outcomes();
    const reduced = first?.kind === 'retry' ? first.nextBody : null;
    if (reduced === null) throw new Error('There is no reduced form');
    expect(reduced).toMatch(/^body-/);
    expect(JSON.parse(Buffer.from(fake.blobs.get(reduced) ?? []).toString()).data).toMatchObject({
      subject: 'a',
      text: null,
      truncated: ['text'],
    });
    await dispatch(
      fake.deps,
      fake.jobOf(fake.add(1, '', webhook, { body: reduced, reduced: true, attemptCount: 1 })),
    );
    expect(outcomes()[1]).toMatchObject({ kind: 'retry', nextBody: null, charged: true });
    expect(receiver.requests[1]?.body.length).toBeLessThan(receiver.requests[0]?.body.length ?? 0);
  });

  it('disables a webhook whose 2xx asks for it, after recording the delivery', async () => {
    await receive({ answer: () => ({ status: 200, headers: { 'webhook-delivery': 'disable' } }) });
    await dispatch(fake.deps, fake.jobOf(fake.add(1, event('a'), webhookFor(receiver.url))));
    expect(outcomes()[0]?.kind).toBe('delivered');
    expect(fake.changes).toEqual([
      { id: WEBHOOK_ID, state: 'disabled', reason: expect.stringContaining('webhook-delivery: disable') },
    ]);
  });

  it('disables a webhook whose address the egress policy refuses, without a connection', async () => {
    await receive();
    await dispatch(fake.deps, fake.jobOf(fake.add(1, event('a'), webhookFor('http://169.254.169.254/'))));
    expect(outcomes()[0]).toMatchObject({ kind: 'disable', attempt: { outcome: 'egress', status: null } });
  });
});
