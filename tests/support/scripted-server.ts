import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { ScriptedLines } from './scripted-lines.ts';
import type { TestCertificate } from './tls-certificate.ts';

/** Bytes that go out as one write, and on loopback arrive as one read. Text is UTF-8. */
export type Chunk = string | Uint8Array;

/** What the server does next. */
export type Step =
  /** Waits for one line from the client (without its CRLF); then sends what is given, or what is made of the match. */
  | {
      readonly expect: string | RegExp;
      readonly send?: Chunks | ((match: readonly string[]) => Chunks);
      readonly times?: number;
    }
  /** Waits for all these lines before anything else is done: only a client that pipelines sends them. */
  | { readonly expectAll: readonly (string | RegExp)[] }
  | { readonly send: Chunks | (() => Chunks) }
  /** Sends byte after byte with a pause before each, until the client closes. */
  | { readonly trickle: Chunk; readonly everyMs: number }
  /** Makes the connection TLS from here on, as after STLS or STARTTLS. */
  | { readonly startTls: TestCertificate }
  /** Ends the connection in order, or with a RST. */
  | { readonly end: 'fin' | 'reset' };

type Chunks = readonly Chunk[];

interface Arrival {
  readonly line: string;
  readonly answered: number;
}

interface Log {
  readonly arrivals: Arrival[];
  sentBytes: number;
}

/** A TCP or TLS server on 127.0.0.1 that follows a script; when it is through it stays silent and open. */
export interface ScriptedServer {
  readonly port: number;
  /** Every line of every connection, in the order of arrival. */
  readonly received: readonly string[];
  /** `received` with the number of steps that were answered when each line arrived. */
  readonly arrivals: readonly Arrival[];
  readonly connections: number;
  /** What the sockets took so far of what the scripts send: more only when the client reads. */
  readonly sentBytes: number;
  /**
   * Resolves when the scripts of all connections so far, at least one, are through and their clients have closed;
   * rejects when a client sent something else than expected.
   */
  finished(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts a server with one script per connection, in order; the last script serves all later connections too. `tls`
 * makes every connection TLS from its first byte.
 */
export async function startScriptedServer(
  scripts: readonly Step[] | readonly (readonly Step[])[],
  options: { readonly tls?: TestCertificate } = {},
): Promise<ScriptedServer> {
  const perConnection = scriptsOf(scripts);
  const log: Log = { arrivals: [], sentBytes: 0 };
  const sockets = new Set<Socket>();
  const first = Promise.withResolvers<void>();
  const runs: Promise<void>[] = [];
  let connections = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    const script = perConnection[Math.min(connections, perConnection.length - 1)] ?? [];
    connections += 1;
    const steps: readonly Step[] = options.tls ? [{ startTls: options.tls }, ...script] : script;
    const run = new ScriptedConnection(socket, log).follow(steps);
    runs.push(run);
    run.then(first.resolve, first.reject);
  });
  // A script that fails is reported by finished(); a test that does not ask must not end the process.
  first.promise.catch(() => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get received() {
      return log.arrivals.map(({ line }) => line);
    },
    arrivals: log.arrivals,
    get sentBytes() {
      return log.sentBytes;
    },
    get connections() {
      return connections;
    },
    finished: async () => {
      await first.promise;
      await Promise.all(runs);
    },
    close: () => closeServer(server, sockets),
  };
}

function scriptsOf(scripts: readonly Step[] | readonly (readonly Step[])[]): readonly (readonly Step[])[] {
  const isList = (entry: Step | readonly Step[]): entry is readonly Step[] => Array.isArray(entry);
  const lists = scripts.filter(isList);
  return lists.length > 0 ? lists : [scripts.filter((entry): entry is Step => !isList(entry))];
}

/** One connection and its place in the script. */
class ScriptedConnection {
  readonly #raw: Socket;
  readonly #log: Log;
  #socket: Socket;
  #lines: ScriptedLines;
  #answered = 0;

  constructor(socket: Socket, log: Log) {
    this.#raw = socket;
    this.#socket = socket;
    this.#log = log;
    this.#lines = this.#linesOf(socket);
  }

  /** Takes the steps one by one, then waits for the client to close. */
  async follow(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.#take(step);
    await this.#lines.closed();
  }

  async #take(step: Step): Promise<void> {
    if ('expect' in step) return this.#dialogue(step);
    if ('startTls' in step) return this.#startTls(step.startTls);
    if ('trickle' in step) return trickle(this.#socket, Buffer.from(step.trickle), step.everyMs);
    if ('expectAll' in step) {
      for (const expected of step.expectAll) await this.#lines.expect(expected);
    } else if ('send' in step) {
      await this.#send(typeof step.send === 'function' ? step.send() : step.send);
      this.#answered += 1;
    } else if (step.end === 'fin') {
      this.#socket.end();
    } else {
      this.#raw.resetAndDestroy();
    }
  }

  async #dialogue(step: Extract<Step, { expect: unknown }>): Promise<void> {
    for (let time = 0; time < (step.times ?? 1); time += 1) {
      const match = await this.#lines.expect(step.expect);
      await this.#send(typeof step.send === 'function' ? step.send(match) : (step.send ?? []));
      this.#answered += 1;
    }
  }

  async #startTls({ key, cert }: TestCertificate): Promise<void> {
    this.#lines.release();
    this.#socket = new TLSSocket(this.#socket, { isServer: true, key, cert });
    this.#lines = this.#linesOf(this.#socket);
    await this.#lines.secured();
  }

  async #send(chunks: Chunks): Promise<void> {
    for (const chunk of chunks) {
      if (this.#socket.destroyed) return;
      await new Promise<void>((resolve) => {
        this.#socket.write(chunk, () => resolve());
      });
      this.#log.sentBytes += Buffer.byteLength(chunk);
      // The client shares this event loop: two turns let it read this chunk before the next is written.
      for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate);
    }
  }

  #linesOf(socket: Socket): ScriptedLines {
    return new ScriptedLines(socket, (line) => this.#log.arrivals.push({ line, answered: this.#answered }));
  }
}

async function trickle(socket: Socket, bytes: Buffer, everyMs: number): Promise<void> {
  for (let at = 0; at < bytes.length && !socket.destroyed; at += 1) {
    await delay(everyMs);
    socket.write(bytes.subarray(at, at + 1));
  }
}

async function closeServer(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, 'close');
}
