import { afterEach, describe, expect, it } from 'vitest';
import { createPostClient, type PostClient } from '../../../functions/dispatch/post.ts';
import { createEgress } from '../../../shared/egress/create-egress.ts';
import { type ReceivedRequest, type Receiver, startReceiver } from '../../support/receiver.ts';
import type { Answer } from '../../support/receiver-answers.ts';

const BODY = Buffer.from('{"a":1}');
const egress = createEgress({ policy: 'private-ok' });
let receiver: Receiver;
let client: PostClient;

async function start(answer: (request: ReceivedRequest) => Answer | Promise<Answer> = () => 200) {
  receiver = await startReceiver({ answer });
  client = createPostClient({ egress, keepAlive: true });
}

const post = (timeoutMs = 5_000) =>
  client.post({ url: receiver.url, headers: ['webhook-id', 'msg_1'], body: BODY, timeoutMs });

afterEach(async () => {
  client.close();
  await receiver.close();
});

describe('connections of a post client', () => {
  it('are kept for the next request, and not when told so', async () => {
    await start();
    for (let i = 0; i < 3; i++) await post();
    expect(receiver.connections()).toBe(1);
    const closing = createPostClient({ egress, keepAlive: false });
    for (let i = 0; i < 2; i++) {
      await closing.post({ url: receiver.url, headers: [], body: BODY, timeoutMs: 5_000 });
    }
    expect(receiver.connections()).toBe(3);
    expect(receiver.requests.at(-1)?.headers.connection).toBe('close');
  });

  it.each([
    ['reset', { kind: 'reset' }],
    ['closed', { kind: 'raw', bytes: '', after: 'end' }],
  ] satisfies [string, Answer][])(
    'that were kept and are %s before an answer get one fresh try with the same bytes',
    async (_, ending) => {
      await start(({ onConnection }) => (onConnection === 2 ? ending : 200));
      expect(await post()).toMatchObject({ status: 200 });
      expect(await post()).toMatchObject({ status: 200 });
      const [, first, second] = receiver.requests;
      expect(receiver.connections()).toBe(2);
      expect(second?.body).toEqual(first?.body);
      const sent = (request: ReceivedRequest | undefined) =>
        request?.rawHeaders.filter((text) => !/^(connection|keep-alive|close)$/i.test(text));
      expect(sent(second)).toEqual(sent(first));
    },
  );

  it('get no second fresh try', async () => {
    await start(({ attempt }) => (attempt === 1 ? 200 : { kind: 'reset' }));
    await post();
    expect(await post()).toMatchObject({ kind: 'failed', reason: 'network' });
    expect(receiver.requests).toHaveLength(3);
  });

  it('that are new get no fresh try when they are reset', async () => {
    await start(() => ({ kind: 'reset' }));
    expect(await post()).toMatchObject({ kind: 'failed', reason: 'network' });
    expect(receiver.requests).toHaveLength(1);
  });

  it('that are reset after the first byte of an answer get no fresh try', async () => {
    await start(({ onConnection }) =>
      onConnection === 1 ? 200 : { kind: 'raw', bytes: 'HTTP/1.1 2', after: 'reset' },
    );
    await post();
    expect(await post()).toMatchObject({ kind: 'failed', reason: 'network' });
    expect(receiver.requests).toHaveLength(2);
  });

  it('that were kept and fall silent fail at the deadline, without another try', async () => {
    await start(({ onConnection }) => (onConnection === 1 ? 200 : { kind: 'hang' }));
    await post();
    expect(await post(100)).toMatchObject({ reason: 'timeout' });
    expect(receiver.requests).toHaveLength(2);
  });

  it('that were kept are not trusted for the fresh try: all of them may be closed', async () => {
    await start(({ onConnection }) => (onConnection === 2 ? { kind: 'reset' } : 200));
    receiver.withhold();
    const both = Promise.all([post(), post()]);
    await receiver.whenReceived(2);
    receiver.release();
    await both;
    expect(await post()).toMatchObject({ status: 200 });
    expect(receiver.connections()).toBe(3);
  });

  it('leave the fresh try only the time that is left', async () => {
    const late = Promise.withResolvers<Answer>();
    await start(({ attempt, onConnection }) => {
      if (attempt === 1) return 200;
      return onConnection === 2 ? late.promise : { kind: 'hang' };
    });
    await post();
    setTimeout(() => late.resolve({ kind: 'reset' }), 800);
    const result = await post(1_000);
    expect(result).toMatchObject({ reason: 'timeout' });
    expect(receiver.requests).toHaveLength(3);
    expect(result.durationMs).toBeLessThan(1_500);
  });

  it('serve many requests at once, each with its own answer', async () => {
    await start(({ body }) => ({ status: 200, body }));
    const bodies = Array.from({ length: 200 }, (_, i) => Buffer.from(`{"n":${i}}`));
    const results = await Promise.all(
      bodies.map((body) => client.post({ url: receiver.url, headers: [], body, timeoutMs: 5_000 })),
    );
    expect(results.map((result) => result.kind === 'answered' && result.text)).toEqual(bodies.map(String));
  });
});
