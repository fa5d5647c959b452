import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createPostClient } from '../../../functions/dispatch/post.ts';
import { createEgress } from '../../../shared/egress/create-egress.ts';
import { type Receiver, startReceiver } from '../../support/receiver.ts';
import type { Answer } from '../../support/receiver-answers.ts';

const client = createPostClient({ egress: createEgress({ policy: 'private-ok' }), keepAlive: true });
let receiver: Receiver | null = null;

const post = (url: string, timeoutMs = 5_000, body = Buffer.from('{}')) =>
  client.post({ url, headers: [], body, timeoutMs });

async function postTo(answer: Answer, timeoutMs?: number) {
  receiver = await startReceiver({ answer: () => answer });
  return post(receiver.url, timeoutMs);
}

afterEach(async () => {
  client.close();
  await receiver?.close();
  receiver = null;
});

describe('post() to a receiver that', () => {
  it('never answers: gives up at the deadline', async () => {
    const result = await postTo({ kind: 'hang' }, 100);
    expect(result).toMatchObject({ kind: 'failed', reason: 'timeout', message: 'No answer within 100 ms' });
    expect(result.durationMs).toBeLessThan(1_000);
  });

  it('sends its headers byte by byte: gives up at the deadline, whatever trickles in', async () => {
    expect(await postTo({ kind: 'slow-head', everyMs: 5 }, 150)).toMatchObject({ reason: 'timeout' });
  });

  it('drips its body for ever: the status line decides, after 2 s', async () => {
    const result = await postTo({ kind: 'drip', status: 200, everyMs: 20 });
    expect(result).toMatchObject({ kind: 'answered', status: 200, text: expect.stringMatching(/^x+$/) });
    expect(result.durationMs).toBeGreaterThanOrEqual(1_990);
    expect(result.durationMs).toBeLessThan(3_500);
    await receiver?.whenClosed(1);
  });

  it('sends a body without end: keeps 4 KiB and drops the connection', async () => {
    const result = await postTo({ kind: 'endless', status: 500 });
    expect(result).toMatchObject({ status: 500, text: 'x'.repeat(4_096) });
    expect(result.durationMs).toBeLessThan(1_500);
    await receiver?.whenClosed(1);
  });

  it('sends a gzip bomb: decompresses nothing', async () => {
    const result = await postTo({ kind: 'gzip-bomb' });
    // The zeros inside would all be control characters.
    expect(result).toMatchObject({ status: 200, text: expect.stringMatching(/[^\ufffd]/) });
  });

  it('sends a megabyte of headers: gives up after 16 KiB', async () => {
    expect(await postTo({ kind: 'giant-header', bytes: 1_000_000 })).toMatchObject({
      reason: 'network',
      message: 'The headers of the answer are too large (HPE_HEADER_OVERFLOW)',
    });
  });

  it('sends 15,000 bytes of headers: takes them', async () => {
    expect(await postTo({ kind: 'giant-header', bytes: 15_000 })).toMatchObject({ status: 200 });
  });

  it('sends some interim responses first: waits for the final one', async () => {
    expect(await postTo({ kind: 'informational', count: 16 })).toMatchObject({ status: 200 });
  });

  it('sends interim responses without end: gives up at once', async () => {
    const result = await postTo({ kind: 'informational', count: Number.POSITIVE_INFINITY });
    expect(result).toMatchObject({ reason: 'network', message: 'More than 16 interim responses' });
  });

  it.each([
    ['resets instead of answering', { kind: 'reset' }],
    ['closes without a byte', { kind: 'raw', bytes: '', after: 'end' }],
    ['speaks another protocol', { kind: 'raw', bytes: 'SSH-2.0-OpenSSH_9.6\r\n', after: 'hang' }],
    ['sends a status that is no number', { kind: 'raw', bytes: 'HTTP/1.1 abc OK\r\n\r\n', after: 'hang' }],
    ['closes in the status line', { kind: 'raw', bytes: 'HTTP/1.1 20', after: 'end' }],
    ['closes in the headers', { kind: 'raw', bytes: 'HTTP/1.1 200 OK\r\nx: y\r\n', after: 'end' }],
    ['resets in the headers', { kind: 'raw', bytes: 'HTTP/1.1 200 OK\r\nx: y\r\n', after: 'reset' }],
    [
      'hides a second response in a header',
      { kind: 'raw', bytes: 'HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n', after: 'hang' },
    ],
    [
      'gives two lengths',
      {
        kind: 'raw',
        bytes: 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
        after: 'hang',
      },
    ],
    [
      'switches protocols',
      {
        kind: 'raw',
        bytes: 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
        after: 'hang',
      },
    ],
  ] satisfies [string, Answer][])('%s: is a failure of the network', async (_, answer) => {
    const result = await postTo(answer);
    expect(result).toMatchObject({ kind: 'failed', reason: 'network' });
    expect(result.durationMs).toBeLessThan(1_500);
  });

  it.each([
    ['breaks its chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n', 'hang'],
    ['closes in the body', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc', 'end'],
    ['resets in the body', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc', 'reset'],
    [
      'answers twice',
      'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n',
      'hang',
    ],
  ] as const)('%s: was answered all the same', async (_, bytes, after) => {
    expect(await postTo({ kind: 'raw', bytes, after })).toMatchObject({ kind: 'answered', status: 200 });
  });

  it('resets the connection before it can be used: is a failure of the network', async () => {
    receiver = await startReceiver({ refuse: () => true });
    expect(await post(receiver.url)).toMatchObject({ kind: 'failed', reason: 'network' });
    expect(receiver.requests).toHaveLength(0);
  });

  it('does not listen: is a failure of the network', async () => {
    const closed = await startReceiver();
    await closed.close();
    expect(await post(closed.url)).toMatchObject({ message: 'Connection refused (ECONNREFUSED)' });
  });

  it('answers before it has read a large body, and reads no further: takes the answer', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.once('data', () => {
        socket.pause();
        socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      expect(await post(url, 5_000, Buffer.alloc(20_000_000))).toMatchObject({ status: 413 });
      const [socket] = sockets;
      // What is still on its way is read now; then the client must be gone.
      if (socket) await once(socket.resume(), 'close');
      expect(sockets).toHaveLength(1);
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });
});
