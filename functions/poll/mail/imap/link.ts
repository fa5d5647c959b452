import { ImapFlow, type ImapFlowOptions, type Logger } from 'imapflow';
import { MailError, type MailLogin } from '../../../../shared/ports/mail-source.ts';
import { failureToMailError, type Place } from './errors.ts';
import { type Failure, failureOf, isOverflow, lostConnection } from './failure.ts';
import {
  type ImapDeadlines,
  MAX_LINE_BYTES,
  MAX_LITERAL_BYTES,
  MAX_RESPONSE_BYTES,
  MAX_RESPONSE_TOKENS,
} from './limits.ts';
import { imapTransport } from './transport.ts';

/** Which server a session goes to, as whom, and what ends it. */
export interface SessionTarget {
  readonly login: MailLogin;
  /** The address to connect to, checked. */
  readonly address: string;
  /** The host in its canonical form. */
  readonly host: string;
  readonly place: Place;
  readonly deadlines: ImapDeadlines;
  readonly signal: AbortSignal;
}

/** The connection and what is known of its end. `doing` completes "Cannot …" in the error. */
export interface Link {
  readonly client: ImapFlow;
  readonly onAbort: () => void;
  /** Ends the connection; the first reason is the one that counts. */
  end(reason: MailError): void;
  hasEnded(): boolean;
  /** Whether it ended because the server sent more than is taken at once. */
  hasOverflowed(): boolean;
  throwIfEnded(doing: string): void;
  /** Rejects when the connection is ended, until it is released. It also forgets the last refusal. */
  interruption(doing: string): { readonly promise: Promise<never>; release(): void };
  refused(): Failure | null;
}

/** Makes a connection that is not opened yet, and watches it from the start. */
export function createLink(target: SessionTarget): Link {
  const { place, signal } = target;
  let ended: MailError | Failure | null = null;
  let refused: Failure | null = null;
  const waiting = new Set<(reason: MailError | Failure) => void>();
  const asMailError = (reason: MailError | Failure, doing: string) =>
    reason instanceof MailError ? reason : failureToMailError(reason, place, 'command', doing);
  const end = (reason: MailError | Failure) => {
    ended ??= reason;
    for (const interrupt of waiting) interrupt(ended);
    client.close();
  };
  const client = new ImapFlow({
    ...clientOptions(target),
    logger: watchfulLogger((failure) => {
      refused = failure;
      // imapflow sits the server's hint out inside the call, for minutes. After this turn its wait is there to be ended.
      if (failure.code === 'ETHROTTLE') queueMicrotask(() => end(failure));
    }),
  });
  // An `error` event without a listener would end the process: it is there before connect() and stays.
  client.on('error', (error) => {
    ended ??= failureOf(error);
  });
  client.on('close', () => {
    ended ??= lostConnection(client.byeReason ?? null);
  });
  const onAbort = () => end(new MailError('network', `The session with ${place.host} was ended from here`));
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });

  return {
    client,
    onAbort,
    end,
    hasEnded: () => ended !== null,
    hasOverflowed: () => ended !== null && !(ended instanceof MailError) && isOverflow(ended),
    throwIfEnded(doing) {
      if (ended !== null) throw asMailError(ended, doing);
    },
    interruption(doing) {
      refused = null;
      const { promise, reject } = Promise.withResolvers<never>();
      const interrupt = (reason: MailError | Failure) => reject(asMailError(reason, doing));
      waiting.add(interrupt);
      return { promise, release: () => waiting.delete(interrupt) };
    },
    refused: () => refused,
  };
}

function clientOptions({ login, address, host, place, deadlines }: SessionTarget): ImapFlowOptions {
  return {
    host,
    port: login.port,
    transport: imapTransport(address, host, login),
    secure: place.security === 'tls',
    // Left out, imapflow would go on in cleartext when somebody on the way strips STARTTLS from the capabilities.
    doSTARTTLS: place.security === 'starttls',
    auth: { user: login.username, pass: login.password },
    clientInfo: { name: 'mailhook', version: false, vendor: false, 'support-url': false },
    disableAutoIdle: true,
    disableCompression: true,
    // It would bring nothing that is needed here, and some servers announce it and then answer wrongly.
    disableIMAP4rev2: true,
    connectionTimeout: deadlines.connectMs,
    greetingTimeout: deadlines.greetingMs,
    socketTimeout: deadlines.commandMs,
    maxLineLength: MAX_LINE_BYTES,
    maxLiteralSize: MAX_LITERAL_BYTES,
    maxResponseSize: MAX_RESPONSE_BYTES,
    maxResponseTokens: MAX_RESPONSE_TOKENS,
  };
}

/**
 * Logs nothing. imapflow turns a refused STORE, COPY, MOVE or EXPUNGE into `false` and says why only to its logger, as a
 * warning with the error in it.
 */
function watchfulLogger(onRefusal: (failure: Failure) => void): Logger {
  const ignore = () => undefined;
  const logger = {
    debug: ignore,
    info: ignore,
    error: ignore,
    fatal: ignore,
    warn(entry: unknown) {
      const error = typeof entry === 'object' && entry !== null && 'err' in entry ? entry.err : null;
      const failure = failureOf(error);
      if (failure.status !== null) onRefusal(failure);
    },
    // Without it imapflow would render every response for the log.
    isLevelEnabled: (level: string) => level === 'warn',
  };
  return logger;
}
