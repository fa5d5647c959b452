import { execFile } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { createPostClient, type PostClient, type PostRequest } from '../../../functions/dispatch/post.ts';
import { createEgress } from '../../../shared/egress/create-egress.ts';
import type { EgressPolicy } from '../../../shared/egress/egress.ts';
import { type Receiver, type ReceiverOptions, startReceiver } from '../../support/receiver.ts';

const BODY = Buffer.from('{"subject":"Grüße"}');
let receiver: Receiver;
let client: PostClient;

/** A receiver, and a client whose names resolve to these addresses. */
async function start(
  options: ReceiverOptions = {},
  policy: EgressPolicy = 'private-ok',
  resolver: () => Promise<readonly string[]> = async () => ['127.0.0.1'],
): Promise<void> {
  receiver = await startReceiver(options);
  client = createPostClient({ egress: createEgress({ policy, resolver }), keepAlive: true });
}

const post = (change: Partial<PostRequest> = {}) =>
  client.post({ url: receiver.url, headers: [], body: BODY, timeoutMs: 5_000, ...change });

afterEach(async () => {
  client.close();
  await receiver.close();
});

describe('post()', () => {
  it('sends exactly these headers and bytes, and answers with the status and the text', async () => {
    await start({ answer: () => ({ status: 201, headers: { 'retry-after': '5' }, body: 'made' }) });
    const result = await post({ url: `${receiver.url}?a=1&b=%20`, headers: ['X-One', 'a', 'x-two', 'b'] });
    expect(result).toEqual({
      kind: 'answered',
      status: 201,
      retryAfter: '5',
      control: null,
      location: null,
      text: 'made',
      durationMs: expect.any(Number),
    });
    const [request] = receiver.requests;
    expect([request?.method, request?.path]).toEqual(['POST', '/hook?a=1&b=%20']);
    expect(request?.body).toEqual(BODY);
    expect(request?.rawHeaders).toEqual([
      ...['host', `127.0.0.1:${receiver.port}`, 'content-type', 'application/json'],
      ...['user-agent', expect.stringMatching(/^mailhook\/\d+\.\d+\.\d+$/), 'accept-encoding', 'identity'],
      ...['content-length', String(BODY.length), 'X-One', 'a', 'x-two', 'b', 'Connection', 'keep-alive'],
    ]);
  });

  it('reaches names of the hosts file', async () => {
    await start();
    client.close();
    client = createPostClient({ egress: createEgress({ policy: 'private-ok' }), keepAlive: true });
    expect(await post({ url: `http://localhost:${receiver.port}/` })).toMatchObject({ status: 200 });
  });

  it('reaches an IPv6 literal, on machines that have IPv6', async () => {
    const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
    const host = addresses.some(({ address }) => address === '::1') ? '::1' : '127.0.0.1';
    await start({ host });
    expect(await post()).toMatchObject({ status: 200 });
    expect(`http://${receiver.requests[0]?.headers.host}/hook`).toBe(receiver.url);
  });

  it('follows no redirect, wherever it points', async () => {
    const location = 'http://169.254.169.254/latest/meta-data/';
    await start({ answer: () => ({ status: 302, headers: { location } }) });
    expect(await post()).toMatchObject({ kind: 'answered', status: 302, location });
    expect(receiver.requests).toHaveLength(1);
  });

  it('uses no proxy, whatever the environment says', async () => {
    await start();
    const module = new URL('../../../functions/dispatch/post.ts', import.meta.url).href;
    const script = `
      const { createPostClient } = await import(${JSON.stringify(module)});
      const { createEgress } = await import(new URL('../../shared/egress/create-egress.ts', ${JSON.stringify(module)}));
      const client = createPostClient({ egress: createEgress({ policy: 'private-ok' }), keepAlive: false });
      const request = { url: ${JSON.stringify(receiver.url)}, headers: [], body: Buffer.from('{}'), timeoutMs: 5000 };
      console.log((await client.post(request)).status);`;
    const env = {
      NODE_USE_ENV_PROXY: '1',
      HTTP_PROXY: 'http://127.0.0.1:1',
      HTTPS_PROXY: 'http://127.0.0.1:1',
    };
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { env });
    expect(stdout.trim()).toBe('200');
  });

  it('says what the receiver asks for in webhook-delivery, also twice', async () => {
    await start({ answer: () => ({ status: 400, headers: { 'webhook-delivery': ['x', 'disable'] } }) });
    expect(await post()).toMatchObject({ status: 400, control: 'x, disable' });
  });

  it('tolerates bytes that are no UTF-8, keeps 4 KiB without half a character, and no control characters', async () => {
    let body = Buffer.from([0x61, 0xff, 0x00, 0x1b, 0x5b, 0x0a, 0x62]);
    await start({ answer: () => ({ status: 200, headers: { 'set-cookie': 'secret=1' }, body }) });
    const result = await post();
    expect(result).toMatchObject({ text: 'a\ufffd\ufffd\ufffd[\nb' });
    expect(JSON.stringify(result)).not.toContain('secret');
    body = Buffer.from('€'.repeat(2_000));
    expect(await post()).toMatchObject({ text: '€'.repeat(1_365) });
  });

  it.each([
    ['https://127.0.0.1:PORT/', 'loopback'],
    ['https://0x7f.1:PORT/', 'loopback'],
    ['https://[::ffff:127.0.0.1]:PORT/', 'IPv6'],
    ['https://[::127.0.0.1]:PORT/', 'IPv6'],
    ['https://localhost:PORT/', 'localhost'],
    ['https://localhost.:PORT/', 'localhost'],
    ['http://hooks.example.com:PORT/', 'use https'],
    ['file:///proc/self/environ', 'use https'],
    ['https://rebound.example.com:PORT/', 'loopback'],
    ['https://user:pass@hooks.example.com:PORT/', '--header'],
  ])('refuses %s under the public policy, without a connection', async (url, reason) => {
    await start({}, 'public');
    const result = await post({ url: url.replace('PORT', String(receiver.port)) });
    expect(result).toMatchObject({
      kind: 'failed',
      reason: 'egress',
      message: expect.stringContaining(reason),
    });
    expect(receiver.connections()).toBe(0);
  });

  it('refuses a name with one private answer among public ones', async () => {
    await start({}, 'public', async () => ['8.8.8.8', '127.0.0.1']);
    expect(await post({ url: 'https://mixed.example.com/' })).toMatchObject({ reason: 'egress' });
  });

  it('judges every connection by its own answers: DNS rebinding to a metadata address gains nothing', async () => {
    let calls = 0;
    const resolver = async () => [calls++ % 2 === 0 ? '127.0.0.1' : '169.254.169.254'];
    await start(
      { answer: () => ({ status: 200, headers: { connection: 'close' } }) },
      'private-ok',
      resolver,
    );
    const url = `http://rebinding.example.com:${receiver.port}/`;
    expect(await post({ url })).toMatchObject({ status: 200 });
    expect(await post({ url })).toMatchObject({ kind: 'failed', reason: 'egress' });
    expect(await post({ url })).toMatchObject({ status: 200 });
    expect(receiver.connections()).toBe(2);
  });

  it.each([
    ['ENOTFOUND', 'The host name has no address (ENOTFOUND)'],
    ['ETIMEOUT', 'The name server did not answer (ETIMEOUT)'],
  ])('takes the resolver error %s for a failure of the network', async (code, message) => {
    await start({}, 'public', () => Promise.reject(Object.assign(new Error(code), { code })));
    expect(await post({ url: 'https://gone.example.com/' })).toMatchObject({ reason: 'network', message });
  });

  it('takes it for a fault of its own when this machine has no more files to open', async () => {
    await start({}, 'public', () => Promise.reject(Object.assign(new Error('x'), { code: 'EMFILE' })));
    expect(await post({ url: 'https://hooks.example.com/' })).toMatchObject({ reason: 'internal' });
  });

  it('throws for headers that cannot be sent, rather than send others', async () => {
    await start();
    await expect(post({ headers: ['x-a', 'b\r\nx-evil: c'] })).rejects.toThrow('Invalid character');
    expect(receiver.requests).toHaveLength(0);
  });
});
