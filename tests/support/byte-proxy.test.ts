import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type ByteProxy, type ByteProxyOptions, startByteProxy } from './byte-proxy.ts';

const GREETING = '+OK ready\r\n';

let echo: Server;
let proxy: ByteProxy;

beforeEach(async () => {
  echo = createServer((socket) => {
    socket.write(GREETING);
    socket.pipe(socket);
    socket.on('error', () => socket.destroy());
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
});

afterEach(async () => {
  await proxy.close();
  echo.close();
});

it('every byte arrives in a segment of its own', async () => {
  const { socket } = await dial({ segmentBytes: 1 });
  const text = GREETING + 'x'.repeat(500);
  socket.end('x'.repeat(500));
  const chunks = await socket.toArray();
  expect(Buffer.concat(chunks).toString()).toBe(text);
  expect(chunks.length).toBeGreaterThan(text.length * 0.9);
});

it('an answer takes a round trip, and many questions at once take one too', async () => {
  const { socket } = await dial({ rttMs: 80 });
  await once(socket, 'data');
  const began = performance.now();
  for (let question = 0; question < 20; question++) socket.write('question');
  let received = 0;
  while (received < 160) received += (await once(socket, 'data'))[0].length;
  const tookMs = performance.now() - began;
  // Timers may fire a millisecond early.
  expect(tookMs).toBeGreaterThan(78);
  // One after the other, 20 would take 1,600 ms.
  expect(tookMs).toBeLessThan(1_500);
});

it('a lot of bytes pass a delayed connection unharmed', async () => {
  const { socket } = await dial({ rttMs: 10 });
  const sent = Buffer.alloc(40 * 1024 * 1024, 'abcdefghijk');
  socket.end(sent);
  const received = Buffer.concat(await socket.toArray());
  expect(received.subarray(GREETING.length).equals(sent)).toBe(true);
});

it('a connection ends in order after as many bytes as asked', async () => {
  const { socket } = await dial({ cut: { afterBytes: 4, how: 'end' } });
  expect(Buffer.concat(await socket.toArray()).toString()).toBe('+OK ');
});

it('a connection is reset where asked', async () => {
  const { socket } = await dial({ cut: { afterBytes: GREETING.length + 3, how: 'reset' } });
  await once(socket, 'data');
  socket.write('abcdef');
  await expect(once(socket, 'end')).rejects.toThrow('ECONNRESET');
});

it('a stalled connection stays open and silent until all are cut', async () => {
  const { socket } = await dial({ cut: { afterBytes: 4, how: 'stall' } });
  expect(String((await once(socket, 'data'))[0])).toBe('+OK ');
  socket.write('still there?');
  expect(proxy.connections()).toBe(1);
  proxy.cutAll('end');
  expect(await socket.toArray()).toEqual([]);
});

it('the end of the client reaches the server and ends the connection', async () => {
  const accepted: Promise<Socket[]> = once(echo, 'connection');
  const { socket } = await dial({});
  const [server] = await accepted;
  socket.destroy();
  if (server) await once(server, 'close');
  expect(server?.destroyed).toBe(true);
});

async function dial(options: Omit<ByteProxyOptions, 'target'>): Promise<{ socket: Socket }> {
  const address = echo.address();
  if (address === null || typeof address === 'string') throw new Error('the echo server has no port');
  proxy = await startByteProxy({ ...options, target: { host: '127.0.0.1', port: address.port } });
  return { socket: connect({ host: proxy.host, port: proxy.port }) };
}
