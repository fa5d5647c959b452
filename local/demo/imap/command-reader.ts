import type { Socket } from 'node:net';
import { BadCommandError, type CommandPart } from './command.ts';

const MAX_LINE_BYTES = 64 * 1024;
const MAX_LITERAL_BYTES = 64 * 1024 * 1024;

/** Takes commands off a connection: lines, and the literals that they announce (RFC 9051 section 4.3, RFC 7888). */
export class ImapCommandReader {
  #socket: Socket;
  #buffered: Buffer[] = [];
  #isClosed = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  /** Goes on with the encrypted connection; what came before in the clear counts for nothing (RFC 9051 section 6.2.1). */
  switchTo(socket: Socket): void {
    this.#socket.off('data', this.#onData);
    this.#socket = socket;
    this.#buffered = [];
    this.#listen();
  }

  /** Null when the client has closed. Throws BadCommandError when it is longer than taken here. */
  async command(onContinue: () => void): Promise<CommandPart[] | null> {
    const parts: CommandPart[] = [];
    for (;;) {
      const line = await this.line();
      if (line === null) return null;
      const literal = /\{(\d{1,10})(\+?)\}$/.exec(line);
      parts.push({ line: line.slice(0, literal?.index) });
      if (literal === null) return parts;
      const length = Number(literal[1]);
      if (length > MAX_LITERAL_BYTES) throw new BadCommandError('The literal is too large');
      if (literal[2] === '') onContinue();
      const bytes = await this.#take(length);
      if (bytes === null) return null;
      parts.push({ literal: bytes });
    }
  }

  /** One line without its end, one character for each byte; null when the client has closed. */
  async line(): Promise<string | null> {
    for (;;) {
      const all = this.#joined();
      const end = all.indexOf('\n');
      if (end === -1 && all.length > MAX_LINE_BYTES) throw new BadCommandError('The line is too long');
      if (end !== -1) {
        this.#buffered = [all.subarray(end + 1)];
        return all.toString('latin1', 0, end).replace(/\r$/, '');
      }
      if (!(await this.#more())) return null;
    }
  }

  async #take(length: number): Promise<Buffer | null> {
    while (this.#buffered.reduce((sum, { length: part }) => sum + part, 0) < length) {
      if (!(await this.#more())) return null;
    }
    const all = this.#joined();
    this.#buffered = [all.subarray(length)];
    return all.subarray(0, length);
  }

  #joined(): Buffer {
    const [first] = this.#buffered;
    if (this.#buffered.length === 1 && first !== undefined) return first;
    const all = Buffer.concat(this.#buffered);
    this.#buffered = [all];
    return all;
  }

  async #more(): Promise<boolean> {
    if (this.#isClosed) return false;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    return !this.#isClosed || this.#buffered.length > 1;
  }

  #listen(): void {
    this.#socket.on('data', this.#onData);
    this.#socket.on('close', this.#onClose);
  }

  readonly #onData = (bytes: Buffer): void => {
    this.#buffered.push(bytes);
    this.#wake();
  };

  readonly #onClose = (): void => {
    this.#isClosed = true;
    this.#wake();
  };
}
