import { once } from 'node:events';
import type { Socket } from 'node:net';

/** The lines that a client sends to a scripted server, one by one. */
export class ScriptedLines {
  readonly #socket: Socket;
  readonly #arrived: string[] = [];
  readonly #onLine: (line: string) => void;
  readonly #closed = Promise.withResolvers<void>();
  #rest = '';
  #wake: () => void = () => undefined;
  #isClosed = false;

  constructor(socket: Socket, onLine: (line: string) => void) {
    this.#socket = socket;
    this.#onLine = onLine;
    socket.on('data', this.#onData);
    // A reset by the client is an end like any other here.
    socket.on('error', this.#onClose);
    socket.on('close', this.#onClose);
  }

  /** The next line, which must be this one; rejects when it is another, or when the client closed. */
  async expect(expected: string | RegExp): Promise<readonly string[]> {
    while (this.#arrived.length === 0) {
      if (this.#isClosed) throw new Error(`The client closed instead of sending ${String(expected)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const line = this.#arrived.shift() ?? '';
    const match = typeof expected === 'string' ? (line === expected ? [line] : null) : expected.exec(line);
    if (match === null) {
      this.#socket.destroy();
      throw new Error(`The client sent ${JSON.stringify(line)} instead of ${String(expected)}`);
    }
    return match;
  }

  /** Resolves when the client has closed. */
  closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Resolves when the TLS handshake is done, or the client broke it off. */
  async secured(): Promise<void> {
    await Promise.race([this.#closed.promise, once(this.#socket, 'secure')]);
  }

  /** Hands the socket over: nothing more is read from it here. */
  release(): void {
    this.#socket.off('data', this.#onData);
  }

  readonly #onData = (bytes: Buffer): void => {
    const lines = (this.#rest + bytes.toString('latin1')).split('\r\n');
    this.#rest = lines.pop() ?? '';
    for (const raw of lines) {
      const line = Buffer.from(raw, 'latin1').toString('utf8');
      this.#arrived.push(line);
      this.#onLine(line);
    }
    this.#wake();
  };

  readonly #onClose = (): void => {
    this.#isClosed = true;
    this.#closed.resolve();
    this.#wake();
  };
}
