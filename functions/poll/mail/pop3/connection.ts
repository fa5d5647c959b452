import { once } from 'node:events';
import { isIPv6, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Egress, EgressError } from '../../../../shared/egress/egress.ts';
import { MailError, type MailLogin } from '../../../../shared/ports/mail-source.ts';
import { ByteReader } from './byte-reader.ts';
import { connectionFailure, type Handshake } from './connection-failure.ts';
import { dial, tlsOptionsOf } from './dial.ts';
import type { Pop3Limits } from './limits.ts';

/** One connected socket with the reader of its bytes. */
export class Connection {
  readonly reader: ByteReader;
  /** `host:port`, for messages. */
  readonly peer: string;
  #socket: Socket;

  constructor(socket: Socket, reader: ByteReader, peer: string) {
    this.#socket = socket;
    this.reader = reader;
    this.peer = peer;
  }

  write(text: string): void {
    this.#socket.write(text, 'utf8');
  }

  /**
   * Starts TLS on the socket (RFC 2595 section 4), right behind the reply to STLS. Bytes that are here already were not
   * sent by the TLS peer: someone put them between, to be taken for replies from inside. Throws MailError.
   */
  async startTls(login: MailLogin, limits: Pop3Limits, signal: AbortSignal): Promise<void> {
    const doing = `start TLS with "${this.peer}"`;
    if (this.reader.unreadBytes > 0) {
      throw new MailError(
        'tls',
        `Cannot ${doing}: the server sent bytes before the handshake; do not trust it`,
      );
    }
    this.reader.detach();
    const secure = connectTls({ ...tlsOptionsOf(login), socket: this.#socket, host: login.host });
    this.#socket = secure;
    this.reader.attach(secure);
    const deadline = AbortSignal.timeout(limits.connectTimeoutMs);
    try {
      await once(secure, 'secureConnect', { signal: AbortSignal.any([signal, deadline]) });
    } catch (error) {
      throw failure(error, doing, 'after-stls', deadline, limits);
    }
  }

  /** Ends the connection in order, after QUIT. */
  end(): void {
    this.#socket.end(() => this.#socket.destroy());
  }

  /** Drops the connection at once. */
  destroy(): void {
    this.#socket.destroy();
  }
}

/** `host:port` for messages, an IPv6 address in brackets. */
export function peerOf({ host, port }: Pick<MailLogin, 'host' | 'port'>): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Connects to the first of the host's addresses that answers, all of them allowed by `egress`. With security `tls` the
 * handshake is done when it resolves. Throws MailError: `egress`, `network`, `tls`.
 */
export async function openConnection(
  login: MailLogin,
  egress: Egress,
  limits: Pop3Limits,
  signal: AbortSignal,
): Promise<Connection> {
  const peer = peerOf(login);
  const doing = `connect to "${peer}"`;
  const deadline = AbortSignal.timeout(limits.connectTimeoutMs);
  const ended = AbortSignal.any([signal, deadline]);
  try {
    const addresses = await orAborted(egress.resolve(login.host), ended);
    let last: unknown = new Error('the host has no address');
    for (const [index, { address }] of addresses.entries()) {
      try {
        const othersLeft = addresses.length - 1 - index;
        return await connectTo(address, login, peer, limits, shareOf(ended, othersLeft, limits));
      } catch (error) {
        last = error;
        ended.throwIfAborted();
      }
    }
    throw last;
  } catch (error) {
    if (error instanceof EgressError) {
      throw new MailError('egress', `Cannot ${doing}: ${error.message}`, { cause: error });
    }
    throw failure(error, doing, login.security === 'tls' ? 'at-once' : null, deadline, limits);
  }
}

/** An address that swallows packets must leave time for the others. */
function shareOf(ended: AbortSignal, othersLeft: number, limits: Pop3Limits): AbortSignal {
  if (othersLeft === 0) return ended;
  return AbortSignal.any([ended, AbortSignal.timeout(Math.ceil(limits.connectTimeoutMs / (othersLeft + 2)))]);
}

async function connectTo(
  address: string,
  login: MailLogin,
  peer: string,
  limits: Pop3Limits,
  signal: AbortSignal,
): Promise<Connection> {
  const socket = await dial(login, address);
  const reader = new ByteReader(peer, limits);
  reader.attach(socket);
  try {
    await once(socket, login.security === 'tls' ? 'secureConnect' : 'connect', { signal });
    socket.setNoDelay(true);
    return new Connection(socket, reader, peer);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function failure(
  error: unknown,
  doing: string,
  handshake: Handshake | null,
  deadline: AbortSignal,
  limits: Pop3Limits,
): MailError {
  if (deadline.aborted) {
    const advice =
      handshake === 'at-once'
        ? '; if the port does not expect TLS from the start, try --security starttls'
        : '';
    const seconds = limits.connectTimeoutMs / 1_000;
    return new MailError('network', `Cannot ${doing}: no connection within ${seconds} s${advice}`);
  }
  return connectionFailure(error, doing, handshake);
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
