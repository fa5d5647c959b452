import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** How a connection breaks: an orderly end, a reset, or silence while it stays open. */
type Cut = 'end' | 'reset' | 'stall';

export interface ByteProxyOptions {
  readonly target: { readonly host: string; readonly port: number };
  /** Every write carries this many bytes at most, both ways. @default as they come */
  readonly segmentBytes?: number;
  /** The round trip that is added, half of it each way. @default 0 */
  readonly rttMs?: number;
  /** Breaks each connection once the client got this many bytes. @default never */
  readonly cut?: { readonly afterBytes: number; readonly how: Cut };
}

/** A TCP proxy on 127.0.0.1 that passes bytes on in another rhythm. */
export interface ByteProxy {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** How many connections were made so far. */
  connections(): number;
  /** Breaks all open connections now. */
  cutAll(how: 'end' | 'reset'): void;
  close(): Promise<void>;
}

/** What may be under way in one direction, so that a fast sender does not fill the memory. */
const IN_FLIGHT_BYTES = 16 * 1024 * 1024;

/** Starts a proxy in front of `target`. */
export async function startByteProxy(options: ByteProxyOptions): Promise<ByteProxy> {
  const clients = new Set<Socket>();
  let connections = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    connections++;
    clients.add(client);
    client.once('close', () => clients.delete(client));
    relay(client, options);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw new Error(`Cannot proxy: the listener has the address "${address}"`);
  }
  return {
    host: '127.0.0.1',
    port: address.port,
    connections: () => connections,
    cutAll: (how) => {
      for (const client of clients) cutNow(client, how);
    },
    async close() {
      for (const client of clients) client.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function relay(client: Socket, options: ByteProxyOptions): void {
  const upstream = connect({ ...options.target, allowHalfOpen: true, noDelay: true });
  const end = () => {
    client.destroy();
    upstream.destroy();
  };
  const halfMs = (options.rttMs ?? 0) / 2;
  const segmentBytes = options.segmentBytes ?? Number.POSITIVE_INFINITY;
  const cut = cutter(client, options.cut);
  const both = [
    pipeline(client, delayLine(halfMs), segments(segmentBytes), upstream),
    pipeline(upstream, delayLine(halfMs), cut, segments(segmentBytes), client),
  ];
  // One side's failure is the other side's end: that is all a proxy can pass on.
  for (const direction of both) direction.catch(end);
  client.once('close', end);
}

function cutNow(client: Socket, how: Cut): void {
  if (how === 'reset') client.resetAndDestroy();
  if (how === 'end') client.end(() => client.destroy());
}

/** Hands each chunk on after a constant time, the end too. */
function delayLine(delayMs: number): Transform {
  let inFlight = 0;
  let held: TransformCallback | null = null;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (delayMs === 0) return done(null, chunk);
      inFlight += chunk.length;
      setTimeout(() => {
        this.push(chunk);
        inFlight -= chunk.length;
        held?.();
        held = null;
      }, delayMs);
      if (inFlight < IN_FLIGHT_BYTES) done();
      else held = done;
    },
    flush(done) {
      setTimeout(done, delayMs);
    },
  });
}

function segments(segmentBytes: number) {
  return async function* split(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      for (let from = 0; from < chunk.length; from += segmentBytes) {
        yield chunk.subarray(from, from + segmentBytes);
        // A turn of the loop between two writes keeps the receiver from finding both in one read.
        if (segmentBytes < chunk.length) await nextTurn();
      }
    }
  };
}

function cutter(client: Socket, cut: ByteProxyOptions['cut']) {
  return async function* pass(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let left = cut?.afterBytes ?? Number.POSITIVE_INFINITY;
    for await (const chunk of source) {
      if (left > 0) yield chunk.subarray(0, left);
      const wasOpen = left > 0;
      left -= chunk.length;
      if (cut !== undefined && wasOpen && left <= 0) cutNow(client, cut.how);
    }
  };
}
