import type { FetchMessageObject, FetchQueryObject, ImapFlow } from 'imapflow';
import { MailError } from '../../../../shared/ports/mail-source.ts';
import { toMailError } from './errors.ts';
import type { Phase } from './failure.ts';
import type { ImapDeadlines } from './limits.ts';
import { createLink, type Link, type SessionTarget } from './link.ts';
import { quotable } from './server-text.ts';

/** What a command is for and how long it may take. */
interface CommandInfo {
  /** Completes "Cannot …". */
  readonly doing: string;
  readonly timeoutMs: number;
  /** @default command */
  readonly phase?: Phase;
}

/** Why the server turned a command down, in its words. */
export interface Refusal {
  readonly responseCode: string | null;
  readonly reason: string;
}

/** One imapflow connection. Commands are run one after the other. */
export interface ImapSession {
  readonly client: ImapFlow;
  readonly deadlines: ImapDeadlines;
  /** The deadline of a command that moves so many bytes. */
  timeoutMsFor(bytes: number): number;
  /** Runs a command under its deadline. Throws MailError; what ended the session is thrown by every later call. */
  run<Result>(info: CommandInfo, command: () => Promise<Result>): Promise<Result>;
  /** Hands the rows of a FETCH to `take` until it answers false. No other command may be run from within. */
  fetchRows(
    info: CommandInfo,
    uids: string,
    query: FetchQueryObject,
    take: (row: FetchMessageObject) => boolean,
  ): Promise<void>;
  /** Whether nothing can be done with it any more. */
  hasEnded(): boolean;
  /** Whether it ended because the server sent more than is taken at once. */
  hasOverflowed(): boolean;
  /** Why the last command failed that imapflow answered with `false`. Throws MailError when the session has ended. */
  refusal(): Refusal;
  /** LOGOUT within its deadline, or just the end. Never throws. */
  close(how: 'commit' | 'abort'): Promise<'ok' | 'unknown'>;
}

/** Makes a session that is not connected yet: `client.connect()` is its first command. */
export function createSession(target: SessionTarget): ImapSession {
  const { place, deadlines, signal } = target;
  const link = createLink(target);
  const { client } = link;
  const run: ImapSession['run'] = async ({ doing, timeoutMs, phase = 'command' }, command) => {
    link.throwIfEnded(doing);
    const interrupted = link.interruption(doing);
    const late = `Cannot ${doing} at ${place.host}:${place.port}: not done within ${timeoutMs} ms`;
    const timer = setTimeout(() => link.end(new MailError('network', late)), timeoutMs);
    try {
      return await Promise.race([command(), interrupted.promise]);
    } catch (error) {
      // A refused login ends the session too, but then the error of the login says more.
      if (phase !== 'login') link.throwIfEnded(doing);
      throw toMailError(error, place, phase, doing);
    } finally {
      clearTimeout(timer);
      interrupted.release();
    }
  };
  let closed: Promise<'ok' | 'unknown'> | null = null;
  return {
    client,
    deadlines,
    timeoutMsFor: (bytes) => deadlines.commandMs + Math.ceil((bytes / deadlines.minBytesPerSecond) * 1000),
    run,
    fetchRows: (info, uids, query, take) =>
      run(info, async () => {
        for await (const row of client.fetch(uids, query, { uid: true })) if (!take(row)) break;
      }),
    hasEnded: link.hasEnded,
    hasOverflowed: link.hasOverflowed,
    refusal() {
      link.throwIfEnded('go on');
      const { responseCode = null, text = '', message = 'no reason given' } = link.refused() ?? {};
      return { responseCode, reason: quotable(text || message, place.secrets) };
    },
    close: (how) => {
      signal.removeEventListener('abort', link.onAbort);
      closed ??= how === 'abort' ? drop(link) : logout(link, run, deadlines.logoutMs);
      return closed;
    },
  };
}

async function drop({ client, end }: Link): Promise<'ok'> {
  end(new MailError('network', 'The session was closed'));
  client.close();
  return 'ok';
}

async function logout(link: Link, run: ImapSession['run'], timeoutMs: number): Promise<'ok' | 'unknown'> {
  try {
    await run({ doing: 'log out', timeoutMs }, () => link.client.logout());
    return 'ok';
  } catch (error) {
    // Whatever it is, nothing on the server depends on a LOGOUT; a bug alone is worth more than an answer.
    if (error instanceof MailError) return 'unknown';
    throw error;
  } finally {
    await drop(link);
  }
}
