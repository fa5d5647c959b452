import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { revealSecret } from '../../../functions/dispatch/reveal-secret.ts';
import { testWebhook } from '../../../functions/dispatch/test-webhook.ts';
import { parseEventId, type WebhookId } from '../../../shared/identity.ts';
import {
  createFakeDispatch,
  type FakeDispatch,
  SECRET,
  seal,
  WEBHOOK_ID,
  webhookFor,
} from '../../support/fake-dispatch.ts';
import { type Receiver, startReceiver } from '../../support/receiver.ts';

const UNKNOWN = `wh_${'b'.repeat(16)}` as WebhookId;
let fake: FakeDispatch;
let receiver: Receiver;
let status: number;

beforeEach(async () => {
  fake = createFakeDispatch();
  status = 200;
  receiver = await startReceiver({ secret: SECRET, answer: () => ({ status, body: 'seen' }) });
});

afterEach(async () => {
  fake.post.close();
  await receiver.close();
});

describe('testWebhook()', () => {
  it('sends one signed webhook.test event, to a disabled webhook too, and answers how it went', async () => {
    const webhook = webhookFor(receiver.url, {
      state: 'disabled',
      gate: { reason: 'disabled', until: null },
    });
    fake.webhooks.set(WEBHOOK_ID, webhook);
    expect(await testWebhook(fake.deps, WEBHOOK_ID)).toEqual({
      at: fake.now.toISOString(),
      trigger: 'test',
      status: 200,
      outcome: 'delivered',
      error: null,
      durationMs: expect.any(Number),
      response: 'seen',
    });
    expect(receiver.faults).toEqual([]);
    const [request] = receiver.requests;
    expect(parseEventId(request?.id ?? '')).not.toBeNull();
    expect(request?.headers).toMatchObject({
      'mailhook-event-type': 'webhook.test',
      'mailhook-trigger': 'test',
      'mailhook-attempt': '1',
    });
    expect(JSON.parse(request?.body.toString() ?? '')).toEqual({
      type: 'webhook.test',
      timestamp: fake.now.toISOString(),
      data: { id: request?.id, webhook: { id: WEBHOOK_ID, name: 'hooks' } },
    });
  });

  it('gives each test an id of its own', async () => {
    fake.webhooks.set(WEBHOOK_ID, webhookFor(receiver.url));
    await testWebhook(fake.deps, WEBHOOK_ID);
    fake.now = new Date(fake.now.getTime() + 1);
    await testWebhook(fake.deps, WEBHOOK_ID);
    expect(receiver.accepted.size).toBe(2);
  });

  it.each([410, 413, 429, 500])('changes nothing when the answer is %s', async (answer) => {
    fake.webhooks.set(WEBHOOK_ID, webhookFor(receiver.url));
    status = answer;
    expect(await testWebhook(fake.deps, WEBHOOK_ID)).toMatchObject({ status: answer, trigger: 'test' });
    expect([fake.finished, fake.changes, fake.enqueued]).toEqual([[], [], []]);
  });

  it('answers with the refusal of the egress policy, as a delivery would meet it', async () => {
    fake.webhooks.set(WEBHOOK_ID, webhookFor('http://169.254.169.254/'));
    expect(await testWebhook(fake.deps, WEBHOOK_ID)).toMatchObject({ status: null, outcome: 'egress' });
  });

  it('answers null for an unknown webhook', async () => {
    expect(await testWebhook(fake.deps, UNKNOWN)).toBeNull();
  });
});

describe('revealSecret()', () => {
  it('answers with the newest secret, and null for an unknown webhook', async () => {
    const secrets = [
      { sealed: seal(SECRET), expiresAt: null },
      { sealed: seal('whsec_old'), expiresAt: '2099-01-01T00:00:00.000Z' },
    ];
    fake.webhooks.set(WEBHOOK_ID, webhookFor(receiver.url, { secrets }));
    expect(await revealSecret(fake.deps, WEBHOOK_ID)).toBe(SECRET);
    expect(await revealSecret(fake.deps, UNKNOWN)).toBeNull();
  });
});
