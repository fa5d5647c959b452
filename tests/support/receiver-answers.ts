import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';

/** How a receiver answers one request: politely (a status, or status with headers and body), or as a hostile one would. */
export type Answer =
  | number
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string | readonly string[]>>;
      readonly body?: string | Buffer;
    }
  /** Never answers. */
  | { readonly kind: 'hang' }
  /** A TCP reset instead of an answer. */
  | { readonly kind: 'reset' }
  /** The status line and headers at once, then one byte of body every `everyMs`, without end. */
  | { readonly kind: 'drip'; readonly status: number; readonly everyMs: number }
  /** As much body as is taken, without end. */
  | { readonly kind: 'endless'; readonly status: number }
  /** 50 MB of zeros, gzip-encoded. */
  | { readonly kind: 'gzip-bomb' }
  /** A 200 with headers of about this many bytes. */
  | { readonly kind: 'giant-header'; readonly bytes: number }
  /** One byte of an endless header every `everyMs`. */
  | { readonly kind: 'slow-head'; readonly everyMs: number }
  /** This many 103 responses, then a 200; `Infinity` sends them without end. */
  | { readonly kind: 'informational'; readonly count: number }
  /** These bytes on the socket, then this. */
  | { readonly kind: 'raw'; readonly bytes: string | Buffer; readonly after: 'end' | 'hang' | 'reset' };

/** The status that a client reads from this answer; null when there is none to read. */
export function statusOf(answer: Answer): number | null {
  if (typeof answer === 'number') return answer;
  if ('status' in answer) return answer.status;
  return answer.kind === 'gzip-bomb' || answer.kind === 'giant-header' || answer.kind === 'informational'
    ? 200
    : null;
}

const CHUNK = Buffer.alloc(65_536, 'x');
let gzipBomb: Buffer | null = null;

/** Sends the answer. What never ends stops when the connection closes. */
export function playAnswer(answer: Answer, request: IncomingMessage, response: ServerResponse): void {
  if (typeof answer === 'number') {
    response.writeHead(answer).end();
  } else if (!('kind' in answer)) {
    response.writeHead(answer.status, answer.headers as Record<string, string>).end(answer.body ?? '');
  } else {
    playHostile(answer, request.socket, response);
  }
}

function playHostile(
  answer: Extract<Answer, { kind: string }>,
  socket: Socket,
  response: ServerResponse,
): void {
  switch (answer.kind) {
    case 'hang':
      return;
    case 'reset':
      socket.resetAndDestroy();
      return;
    case 'drip':
      response.writeHead(answer.status);
      every(answer.everyMs, socket, () => response.write('x'));
      return;
    case 'endless':
      response.writeHead(answer.status);
      pour(socket, () => response.write(CHUNK), response);
      return;
    case 'gzip-bomb':
      // Gzip members in a row are one stream (RFC 1952 section 2.2), and quicker to make.
      gzipBomb ??= Buffer.concat(Array<Buffer>(50).fill(gzipSync(Buffer.alloc(1_000_000))));
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': gzipBomb.length });
      response.end(gzipBomb);
      return;
    case 'giant-header':
      response.writeHead(200, { 'x-giant': 'x'.repeat(answer.bytes) }).end();
      return;
    case 'slow-head':
      socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
      every(answer.everyMs, socket, () => socket.write('x'));
      return;
    case 'informational':
      playInformational(answer.count, socket);
      return;
    case 'raw':
      socket.write(answer.bytes, () => {
        if (answer.after === 'end') socket.end();
        if (answer.after === 'reset') socket.resetAndDestroy();
      });
      return;
  }
}

function playInformational(count: number, socket: Socket): void {
  const hint = 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n';
  if (Number.isFinite(count)) {
    socket.write(`${hint.repeat(count)}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n`);
    return;
  }
  pour(socket, () => socket.write(hint.repeat(100)), socket);
}

function every(everyMs: number, socket: Socket, send: () => void): void {
  const timer = setInterval(send, everyMs);
  socket.once('close', () => clearInterval(timer));
}

/** Writes whenever the peer takes more, until the socket closes. */
function pour(socket: Socket, write: () => boolean, drained: ServerResponse | Socket): void {
  const more = () => {
    if (socket.destroyed) return;
    if (write()) setImmediate(more);
    else drained.once('drain', more);
  };
  more();
}
