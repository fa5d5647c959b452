import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { deliveredFault } from './event-schema.ts';
import { type Answer, playAnswer, statusOf } from './receiver-answers.ts';
import { signatureFault } from './signature-fault.ts';
import { createWaits } from './waits.ts';

/** One request as it arrived, whole. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** The `webhook-id`; empty when there is none. */
  readonly id: string;
  /** 1 for the first request with this id, 2 for the second, … */
  readonly attempt: number;
  /** 1 for the first request on its connection, 2 for the second, … */
  readonly onConnection: number;
  /** What is wrong with its signature; null when it is right, or when the receiver has no secret. */
  readonly fault: string | null;
}

export interface ReceiverOptions {
  /** `whsec_…`; a request that is not signed with it is a fault and gets 401. Without one, signatures are not looked at. */
  readonly secret?: string;
  /** @default 200 */
  readonly answer?: (request: ReceivedRequest) => Answer | Promise<Answer>;
  /** The time against which timestamps are judged; the machine's when missing. */
  readonly now?: () => Date;
  /** Serves https with this certificate. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly maxVersion?: 'TLSv1.1' | 'TLSv1.2' };
  /** Resets this connection (1 for the first) as soon as it is accepted, before any request. */
  readonly refuse?: (connection: number) => boolean;
  /** @default '127.0.0.1' */
  readonly host?: string;
}

/** A webhook receiver on loopback that verifies what it gets and remembers what it accepted. */
export interface Receiver extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/hook`, or https. */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly ReceivedRequest[];
  /** For each id that was answered with a 2xx: the hex SHA-256 of every body accepted under it, in order. */
  readonly accepted: ReadonlyMap<string, readonly string[]>;
  /** One line for each request with a wrong signature, and for each id that came with other bytes than before. */
  readonly faults: readonly string[];
  /** Connections accepted so far. */
  readonly connections: () => number;
  /** Resolves when that many requests have arrived. */
  readonly whenReceived: (count: number) => Promise<void>;
  /** Resolves when that many connections have ended. */
  readonly whenClosed: (count: number) => Promise<void>;
  /** Resolves when that many different ids have been answered with a 2xx. */
  readonly whenAccepted: (count: number) => Promise<void>;
  /** From now on answers wait until `release`. Requests are still recorded. */
  readonly withhold: () => void;
  readonly release: () => void;
  /** Drops every connection and stops listening. Throws when an event was not what docs/schema says. */
  readonly close: () => Promise<void>;
}

/** Starts a receiver on a free port of loopback. */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const records = createRecords(options);
  const waits = createWaits();
  let held: PromiseWithResolvers<void> | null = null;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = await records.receive(request);
    waits.check();
    await held?.promise;
    const answer = received.fault === null ? await (options.answer?.(received) ?? 200) : 401;
    if (request.socket.destroyed) return;
    const status = statusOf(answer);
    if (status !== null && status >= 200 && status < 300) records.accept(received);
    playAnswer(answer, request, response);
    waits.check();
  }
  const release = () => {
    held?.resolve();
    held = null;
  };
  const listening = await listen(options, handle, waits.check);
  const close = async () => {
    release();
    await listening.close();
    const [fault] = records.schemaFaults;
    if (fault !== undefined) throw new Error(`An event is not what docs/schema says: ${fault}`);
  };
  return {
    url: listening.url,
    port: listening.port,
    requests: records.requests,
    accepted: records.accepted,
    faults: records.faults,
    connections: listening.connections,
    whenReceived: (count) => waits.until(() => records.requests.length >= count),
    whenClosed: (count) => waits.until(() => listening.closed() >= count),
    whenAccepted: (count) => waits.until(() => records.accepted.size >= count),
    withhold: () => {
      held ??= Promise.withResolvers();
    },
    release,
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Listening {
  readonly url: string;
  readonly port: number;
  /** Connections accepted, and ended, so far. */
  readonly connections: () => number;
  readonly closed: () => number;
  readonly close: () => Promise<void>;
}

async function listen(
  options: ReceiverOptions,
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  onClosed: () => void,
): Promise<Listening> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer(options, (request, response) => {
    // A client that leaves in the middle of its request is none of the receiver's business.
    handle(request, response).catch((error: unknown) => request.socket.destroy(error as Error));
  });
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      onClosed();
    });
    socket.on('error', () => socket.destroy());
    if (options.refuse?.(connections)) socket.resetAndDestroy();
  });
  const host = options.host ?? '127.0.0.1';
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}/hook`,
    port,
    connections: () => connections,
    closed: () => connections - sockets.size,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function createServer(
  options: ReceiverOptions,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  if (options.tls === undefined) return createHttpServer(listener);
  // An old protocol is offered only to see it refused; OpenSSL wants a lower security level for it.
  const old = options.tls.maxVersion === 'TLSv1.1';
  const legacy = old ? { minVersion: 'TLSv1' as const, ciphers: 'DEFAULT@SECLEVEL=0' } : {};
  return createHttpsServer({ ...options.tls, ...legacy }, listener);
}

interface Records {
  readonly requests: ReceivedRequest[];
  readonly accepted: Map<string, string[]>;
  readonly faults: string[];
  readonly schemaFaults: string[];
  readonly receive: (request: IncomingMessage) => Promise<ReceivedRequest>;
  readonly accept: (request: ReceivedRequest) => void;
}

function createRecords(options: ReceiverOptions): Records {
  const requests: ReceivedRequest[] = [];
  const accepted = new Map<string, string[]>();
  const faults: string[] = [];
  const schemaFaults: string[] = [];
  const perId = new Map<string, number>();
  const perSocket = new WeakMap<Socket, number>();
  const webhook = options.secret === undefined ? null : new Webhook(options.secret);

  async function receive(request: IncomingMessage): Promise<ReceivedRequest> {
    const onConnection = (perSocket.get(request.socket) ?? 0) + 1;
    perSocket.set(request.socket, onConnection);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const id = String(request.headers['webhook-id'] ?? '');
    const attempt = (perId.get(id) ?? 0) + 1;
    perId.set(id, attempt);
    const fault = webhook === null ? null : signatureFault(webhook, body, request.headers, options.now);
    if (fault !== null) faults.push(`${id}: ${fault}`);
    const schemaFault = deliveredFault(id, body);
    if (schemaFault !== null) schemaFaults.push(`${id}: ${schemaFault}`);
    const received: ReceivedRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      body,
      id,
      attempt,
      onConnection,
      fault,
    };
    requests.push(received);
    return received;
  }

  function accept(request: ReceivedRequest): void {
    const hash = createHash('sha256').update(request.body).digest('hex');
    const before = accepted.get(request.id);
    if (before === undefined) accepted.set(request.id, [hash]);
    else {
      if (!before.includes(hash)) faults.push(`${request.id}: other bytes than before`);
      before.push(hash);
    }
  }
  return { requests, accepted, faults, schemaFaults, receive, accept };
}
