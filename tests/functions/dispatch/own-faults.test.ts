import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dispatch } from '../../../functions/dispatch/dispatch.ts';
import type { BlobRef } from '../../../shared/ports/blobs.ts';
import {
  createFakeDispatch,
  type FakeDispatch,
  SECRET,
  seal,
  webhookFor,
} from '../../support/fake-dispatch.ts';
import { type Receiver, startReceiver } from '../../support/receiver.ts';

const EVENT = JSON.stringify({ type: 'message.received', data: { subject: 'hush', text: 'x' } });
let fake: FakeDispatch;
let receiver: Receiver;
let status: number;

const outcomes = () => fake.finished.map(({ outcome }) => outcome);
/** A retry that does not count, a minute from now. */
const uncharged = () => ({
  kind: 'retry',
  charged: false,
  nextAttemptAt: new Date(fake.now.getTime() + 60_000),
  gateUntil: null,
  nextBody: null,
  attempt: { outcome: 'internal', status: null, response: null },
});

beforeEach(async () => {
  fake = createFakeDispatch();
  status = 200;
  receiver = await startReceiver({ secret: SECRET, answer: () => status });
});

afterEach(async () => {
  fake.post.close();
  await receiver.close();
});

describe('a fault of our own', () => {
  it('in reading one body is an uncharged retry of that delivery, and touches no other', async () => {
    const webhook = webhookFor(receiver.url);
    const lost = fake.add(1, EVENT, webhook, { body: 'gone' as BlobRef, attemptCount: 9 });
    const whole = fake.add(2, EVENT, webhook);
    await dispatch(fake.deps, fake.jobOf(lost, whole));
    const of = (claim: typeof lost) => fake.finished.find((done) => done.claim === claim)?.outcome;
    expect(of(lost)).toMatchObject(uncharged());
    expect(of(whole)?.kind).toBe('delivered');
    expect(fake.enqueued).toEqual([]);
  });

  it('in opening a secret is an uncharged retry, and is not remembered', async () => {
    const claim = fake.add(1, EVENT, webhookFor(receiver.url));
    fake.broken.add('open');
    await dispatch(fake.deps, fake.jobOf(claim));
    expect(receiver.requests).toHaveLength(0);
    fake.broken.clear();
    await dispatch(fake.deps, fake.jobOf(claim));
    expect(outcomes()).toMatchObject([uncharged(), { kind: 'delivered' }]);
  });

  it.each([
    ['a secret of no known form', { secrets: [{ sealed: seal('hunter2'), expiresAt: null }] }],
    ['no secret at all', { secrets: [] }],
    ['headers that cannot be sent', { headers: seal('{"host":"evil.example"}') }],
    ['headers of another webhook', { headers: seal('{"x-a":"b"}', 'wh_other') }],
  ])('such as %s posts nothing', async (_, change) => {
    await dispatch(fake.deps, fake.jobOf(fake.add(1, EVENT, webhookFor(receiver.url, change))));
    expect(outcomes()).toMatchObject([uncharged()]);
    expect(receiver.requests).toHaveLength(0);
  });

  it('in keeping the reduced form leaves an ordinary retry', async () => {
    status = 413;
    fake.broken.add('put');
    await dispatch(fake.deps, fake.jobOf(fake.add(1, EVENT, webhookFor(receiver.url))));
    expect(outcomes()).toMatchObject([
      { kind: 'retry', charged: true, nextBody: null, attempt: { status: 413 } },
    ]);
  });

  it('in recording one outcome is logged and stops no other', async () => {
    const claims = [1, 2].map((n) => fake.add(n, EVENT, webhookFor(receiver.url)));
    let calls = 0;
    const finish: typeof fake.deps.store.finish = (done, now) => {
      calls += 1;
      return calls === 1 ? Promise.reject(new Error('disk full')) : fake.deps.store.finish(done, now);
    };
    await dispatch({ ...fake.deps, store: { ...fake.deps.store, finish } }, fake.jobOf(...claims));
    expect(fake.finished).toHaveLength(1);
    expect(fake.logged.map(({ event }) => event)).toEqual(['dispatch.finish-failed']);
  });

  it('in claiming rejects, and nothing is posted', async () => {
    const claim = fake.add(1, EVENT, webhookFor(receiver.url));
    fake.broken.add('claim');
    await expect(dispatch(fake.deps, fake.jobOf(claim))).rejects.toThrow('claim is broken');
    expect(receiver.requests).toHaveLength(0);
  });
});

describe('the log', () => {
  it('names deliveries and outcomes, but no URL, secret, header or content', async () => {
    status = 500;
    const webhook = webhookFor(`${receiver.url}/token-in-path`, {
      headers: seal('{"authorization":"Bearer t0ken"}'),
    });
    await dispatch(fake.deps, fake.jobOf(fake.add(1, EVENT, webhook)));
    fake.broken.add('read');
    await dispatch(fake.deps, fake.jobOf(fake.add(2, EVENT, webhook)));
    expect(fake.logged.map(({ event }) => event)).toEqual([
      'dispatch.failed',
      'dispatch.internal',
      'dispatch.failed',
    ]);
    expect(fake.logged[0]?.fields).toMatchObject({
      ended: 'retry',
      outcome: 'http-error',
      status: 500,
      attempt: 1,
    });
    expect(JSON.stringify(fake.logged)).not.toMatch(/token-in-path|127\.0\.0\.1|t0ken|whsec_|hush/);
  });
});
