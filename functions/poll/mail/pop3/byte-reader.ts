import type { Readable } from 'node:stream';
import { MailError } from '../../../../shared/ports/mail-source.ts';
import { connectionFailure } from './connection-failure.ts';
import type { Pop3Limits } from './limits.ts';
import { Unstuffer } from './unstuff.ts';

const LF = 0x0a;
const CR = 0x0d;
/** A server that sends single bytes must not grow a list of a million chunks. */
const MAX_CHUNKS = 1024;

/** How much of a body is kept, and how much more is read and thrown away to find its end. */
export interface BodyLimit {
  readonly keepBytes: number;
  readonly drainBytes: number;
}

/** The body of a multi-line reply, without its dot-stuffing. */
export interface Body {
  /** The first `keepBytes` of it. */
  readonly bytes: Buffer;
  /** All that was read of it. */
  readonly totalBytes: number;
  /** False when the end was not found within the limit: the stream cannot be read on. */
  readonly ended: boolean;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: MailError) => void;
  readonly timer: NodeJS.Timeout;
  readonly sinceMs: number;
}

/**
 * Reads lines and multi-line bodies from a socket, however the bytes are cut into chunks. Bytes nobody asked for yet
 * stay in the socket above `readAheadBytes`. Every wait ends: after `idleTimeoutMs` without a byte, and when a reply's
 * time is used up, which only bytes at `minBytesPerSecond` refill (so that one byte a second does not help).
 */
export class ByteReader {
  readonly #peer: string;
  readonly #limits: Pop3Limits;
  #source: Readable | null = null;
  #chunks: Buffer[] = [];
  /** Where the unread bytes of the first chunk begin. */
  #offset = 0;
  #unread = 0;
  #paused = false;
  #failure: MailError | null = null;
  #waiter: Waiter | null = null;
  #awaited = 'the connection';
  #timeLeftMs = 0;
  #timeFullMs = 0;

  /** `peer` is `host:port`, for messages. */
  constructor(peer: string, limits: Pop3Limits) {
    this.#peer = peer;
    this.#limits = limits;
  }

  /** Bytes that arrived and were not read. */
  get unreadBytes(): number {
    return this.#unread;
  }

  /** Why nothing more can be read; null while it can. */
  get failure(): MailError | null {
    return this.#failure;
  }

  /** Reads from this socket from now on. Its errors never go unheard, not even after the session's end. */
  attach(source: Readable): void {
    this.#source = source;
    source.on('data', this.#onData);
    source.on('error', this.#onError);
    source.on('end', this.#onEnd);
    source.on('close', this.#onEnd);
  }

  /** Gives the socket back, as STLS needs it. */
  detach(): void {
    const source = this.#source;
    this.#source = null;
    source?.off('data', this.#onData).off('error', this.#onError);
    source?.off('end', this.#onEnd).off('close', this.#onEnd);
  }

  /** Begins a reply: `awaited` names it in messages, `timeMs` is the time it may take. */
  begin(awaited: string, timeMs: number): void {
    this.#awaited = awaited;
    this.#timeLeftMs = timeMs;
    this.#timeFullMs = timeMs;
  }

  /** One line without its line end, decoded as ISO 8859-1 so that no byte is lost. Throws MailError. */
  async readLine(): Promise<string> {
    let text = '';
    for (;;) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) {
        await this.#more();
        continue;
      }
      const end = chunk.indexOf(LF, this.#offset);
      const stop = end === -1 ? chunk.length : end + 1;
      if (text.length + stop - this.#offset > this.#limits.maxLineBytes) {
        throw this.#broken(`a line longer than ${this.#limits.maxLineBytes} bytes`);
      }
      text += chunk.toString('latin1', this.#offset, stop);
      this.#consume(chunk, stop);
      if (end !== -1) return text.slice(0, text.charCodeAt(text.length - 2) === CR ? -2 : -1);
    }
  }

  /** The body that follows a status line (RFC 1939 section 3). Throws MailError. */
  async readBody(limit: BodyLimit): Promise<Body> {
    const unstuffer = new Unstuffer();
    const kept: Buffer[] = [];
    let totalBytes = 0;
    const keep = (part: Buffer) => {
      const room = limit.keepBytes - totalBytes;
      if (room > 0) kept.push(part.length <= room ? part : part.subarray(0, room));
      totalBytes += part.length;
    };
    for (;;) {
      for (let chunk = this.#chunks[0]; chunk !== undefined && !unstuffer.done; chunk = this.#chunks[0]) {
        this.#consume(chunk, unstuffer.write(chunk, this.#offset, keep));
      }
      const ended = unstuffer.done;
      if (ended || totalBytes > limit.keepBytes + limit.drainBytes) {
        return { bytes: Buffer.concat(kept), totalBytes, ended };
      }
      await this.#more();
    }
  }

  /** Ends all reading with this error; what arrived and was not read is forgotten. The first failure counts. */
  fail(error: MailError): void {
    this.#chunks = [];
    this.#offset = 0;
    this.#unread = 0;
    this.#end(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#failure) return;
    this.#chunks.push(chunk);
    this.#unread += chunk.length;
    if (this.#unread >= this.#limits.readAheadBytes || this.#chunks.length >= MAX_CHUNKS) {
      this.#paused = true;
      this.#source?.pause();
    }
    const waiter = this.#waiter;
    if (!waiter) return;
    this.#waiter = null;
    clearTimeout(waiter.timer);
    const earnedMs = (chunk.length * 1_000) / this.#limits.minBytesPerSecond;
    const leftMs = this.#timeLeftMs - (performance.now() - waiter.sinceMs) + earnedMs;
    this.#timeLeftMs = Math.min(this.#timeFullMs, leftMs);
    waiter.resolve();
  };

  readonly #onError = (error: Error): void => {
    this.#end(connectionFailure(error, `read ${this.#awaited} from "${this.#peer}"`, null));
  };

  readonly #onEnd = (): void => {
    this.#end(
      new MailError('network', `Cannot read ${this.#awaited} from "${this.#peer}": it closed the connection`),
    );
  };

  #end(error: MailError): void {
    this.#failure ??= error;
    const waiter = this.#waiter;
    if (!waiter) return;
    this.#waiter = null;
    clearTimeout(waiter.timer);
    waiter.reject(this.#failure);
  }

  #broken(what: string): MailError {
    return new MailError(
      'protocol',
      `Cannot read ${this.#awaited} from "${this.#peer}": the server sent ${what}`,
    );
  }

  #consume(chunk: Buffer, to: number): void {
    this.#unread -= to - this.#offset;
    this.#offset = to;
    if (to === chunk.length) {
      this.#chunks.shift();
      this.#offset = 0;
    }
    if (this.#paused && this.#unread <= this.#limits.readAheadBytes / 2 && this.#chunks.length < MAX_CHUNKS) {
      this.#paused = false;
      this.#source?.resume();
    }
  }

  #more(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const waitMs = Math.max(0, Math.min(this.#limits.idleTimeoutMs, this.#timeLeftMs));
      const timer = setTimeout(() => this.fail(this.#late(waitMs)), waitMs);
      this.#waiter = { resolve, reject, timer, sinceMs: performance.now() };
    });
  }

  #late(waitMs: number): MailError {
    const seconds = Math.round(Math.max(waitMs, this.#timeFullMs - this.#timeLeftMs) / 100) / 10;
    return new MailError(
      'network',
      `Cannot read ${this.#awaited} from "${this.#peer}": it came too slowly or not at all (${seconds} s)`,
    );
  }
}
