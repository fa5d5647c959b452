import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, setDefaultCACertificates } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPostClient } from '../../../functions/dispatch/post.ts';
import { createEgress } from '../../../shared/egress/create-egress.ts';
import { type Receiver, type ReceiverOptions, startReceiver } from '../../support/receiver.ts';
import type { Answer } from '../../support/receiver-answers.ts';
import { caSigned, selfSigned } from '../../support/tls-certificate.ts';

const egress = createEgress({ policy: 'private-ok', resolver: async () => ['127.0.0.1'] });
const client = createPostClient({ egress, keepAlive: true });
let receiver: Receiver;

const post = (url: string) => client.post({ url, headers: [], body: Buffer.from('{}'), timeoutMs: 5_000 });

async function start(tls: ReceiverOptions['tls'] | null): Promise<void> {
  receiver = await startReceiver(tls ? { tls } : {});
}

beforeAll(() => setDefaultCACertificates([caSigned.caPem]));
afterEach(async () => {
  vi.unstubAllEnvs();
  client.close();
  await receiver.close();
});

describe('post() over TLS', () => {
  it('takes a certificate that is trusted and names the host, and keeps the connection', async () => {
    await start(caSigned);
    for (let i = 0; i < 3; i++) expect(await post(receiver.url)).toMatchObject({ status: 200 });
    expect(await post(`https://localhost:${receiver.port}/`)).toMatchObject({ status: 200 });
    expect(receiver.connections()).toBe(2);
  });

  it.each([
    ['reset', { kind: 'reset' }],
    ['closed with a TLS alert', { kind: 'raw', bytes: '', after: 'end' }],
  ] satisfies [string, Answer][])('gives a kept connection that was %s one fresh try', async (_, ending) => {
    receiver = await startReceiver({
      tls: caSigned,
      answer: ({ onConnection }) => (onConnection === 2 ? ending : 200),
    });
    await post(receiver.url);
    expect(await post(receiver.url)).toMatchObject({ status: 200 });
    expect(receiver.requests).toHaveLength(3);
  });

  it('refuses a certificate for another name', async () => {
    await start(caSigned);
    expect(await post(`https://hooks.example.com:${receiver.port}/`)).toMatchObject({
      kind: 'failed',
      reason: 'tls',
      message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
    });
    expect(receiver.requests).toHaveLength(0);
  });

  it('refuses a certificate that nobody vouches for, whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    await start(selfSigned);
    expect(await post(receiver.url)).toMatchObject({
      reason: 'tls',
      message: expect.stringContaining('SELF_SIGNED_CERT'),
    });
    expect(receiver.requests).toHaveLength(0);
  });

  it('refuses TLS 1.1', async () => {
    await start({ ...caSigned, maxVersion: 'TLSv1.1' });
    expect(await post(receiver.url)).toMatchObject({ kind: 'failed', reason: 'tls' });
  });

  it('takes TLS 1.2', async () => {
    await start({ ...caSigned, maxVersion: 'TLSv1.2' });
    expect(await post(receiver.url)).toMatchObject({ status: 200 });
  });

  it.each([
    ['localhost.', 'localhost'],
    ['127.0.0.1', null],
  ])('asks %s for the certificate of %s', async (host, expected) => {
    const asked: unknown[] = [];
    await start(null);
    const server = createServer({ ...caSigned }, (socket) => {
      asked.push(socket.servername || null);
      socket.end('HTTP/1.1 204 No Content\r\n\r\n');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      expect(await post(`https://${host}:${port}/`)).toMatchObject({ status: 204 });
      expect(asked).toEqual([expected]);
    } finally {
      server.close();
    }
  });

  it('says in one line that a server speaks no TLS, or nothing but TLS', async () => {
    await start(null);
    const plain = await post(receiver.url.replace('http:', 'https:'));
    expect(plain).toMatchObject({ reason: 'tls', message: expect.stringMatching(/^TLS failed: [\w ]+ \(/) });
    await receiver.close();
    await start(caSigned);
    expect(await post(receiver.url.replace('https:', 'http:'))).toMatchObject({ kind: 'failed' });
  });
});
