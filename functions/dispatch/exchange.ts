import type { ClientRequest, IncomingMessage } from 'node:http';
import { type FailureReason, failureOf } from './failure.ts';

/** The part of a response that decides what becomes of a delivery. */
export interface Answered {
  readonly kind: 'answered';
  readonly status: number;
  readonly retryAfter: string | null;
  /** The `webhook-delivery` header: what the receiver wants of the sender. */
  readonly control: string | null;
  readonly location: string | null;
  /** The first 4 KiB of the body; null when there was none. */
  readonly text: string | null;
}

/** One request on one connection. */
export type Exchanged =
  | Answered
  | {
      readonly kind: 'failed';
      readonly reason: FailureReason;
      readonly message: string;
      /** A kept connection turned out to be closed before anything came back: the receiver may never have seen the request. */
      readonly stale: boolean;
    };

/** The body is read that long and that far, so that the connection can be kept; the rest is nobody's business. */
const BODY_TIMEOUT_MS = 2_000;
const MAX_BODY_BYTES = 16_384;
const MAX_TEXT_BYTES = 4_096;
/** Interim (1xx) responses before the final one; more are no help to anybody. */
const MAX_INTERIM = 16;

const STALE_CODES = new Set(['ECONNRESET', 'EPIPE']);

/** Sends the body and waits for the status line, at most `timeoutMs`; what comes after that line can no longer make it fail. */
export function exchange(request: ClientRequest, body: Uint8Array, timeoutMs: number): Promise<Exchanged> {
  return new Promise((resolve) => {
    let bytesBefore = -1;
    let interim = 0;
    let answered = false;
    const fail = (reason: FailureReason, message: string, stale: boolean) => {
      clearTimeout(timer);
      if (!answered) resolve({ kind: 'failed', reason, message, stale });
    };
    const giveUp = (reason: FailureReason, message: string) => {
      fail(reason, message, false);
      request.destroy();
    };
    const timer = setTimeout(() => {
      const connected = request.socket?.connecting === false;
      giveUp('timeout', `No ${connected ? 'answer' : 'connection'} within ${Math.round(timeoutMs)} ms`);
    }, timeoutMs);
    request.once('socket', (socket) => {
      if (request.reusedSocket) bytesBefore = socket.bytesRead;
    });
    request.on('information', () => {
      interim += 1;
      if (interim > MAX_INTERIM) giveUp('network', `More than ${MAX_INTERIM} interim responses`);
    });
    request.once('response', (response) => {
      clearTimeout(timer);
      answered = true;
      readBody(request, response, (text) => resolve(answerOf(response, text)));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      const stale = STALE_CODES.has(error.code ?? '') && request.socket?.bytesRead === bytesBefore;
      const { reason, message } = failureOf(error);
      fail(reason, message, stale);
    });
    // A switch of protocols, for example, ends the request without an error.
    request.once('close', () => fail('network', 'Connection closed without an answer', false));
    request.end(body);
  });
}

function answerOf(response: IncomingMessage, text: string | null): Answered {
  const { headers } = response;
  return {
    kind: 'answered',
    status: response.statusCode ?? 0,
    retryAfter: headers['retry-after'] ?? null,
    control: headers['webhook-delivery']?.toString() ?? null,
    location: headers.location ?? null,
    text,
  };
}

/** Calls back once, with the text, when the body has ended or as much of it as anybody wants is there. */
function readBody(
  request: ClientRequest,
  response: IncomingMessage,
  done: (text: string | null) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let ended = false;
  const end = () => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    // A connection is kept only when nothing is left on it, in either direction.
    if (!response.complete || !request.writableFinished) request.destroy();
    done(bytes === 0 ? null : textOf(chunks));
  };
  const timer = setTimeout(end, BODY_TIMEOUT_MS);
  response.on('data', (chunk: Buffer) => {
    if (bytes < MAX_TEXT_BYTES) chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) end();
  });
  response.once('end', end);
  response.once('close', end);
  response.on('error', end);
}

/** The start of the body as text: what is no UTF-8 becomes U+FFFD, as do control characters, which terminals would obey. */
function textOf(chunks: readonly Buffer[]): string {
  const bytes = Buffer.concat(chunks);
  // Where it is cut, `stream` leaves out a character that was cut in two.
  const text =
    bytes.length <= MAX_TEXT_BYTES
      ? bytes.toString('utf8')
      : new TextDecoder().decode(bytes.subarray(0, MAX_TEXT_BYTES), { stream: true });
  return text.replace(/[^\P{Cc}\t\n\r]/gu, '\ufffd');
}
