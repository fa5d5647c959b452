import { MailError } from '../../../../shared/ports/mail-source.ts';
import type { Body, BodyLimit } from './byte-reader.ts';
import { type Capabilities, NO_CAPABILITIES } from './capabilities.ts';
import type { Connection } from './connection.ts';
import { oneLine } from './connection-failure.ts';
import type { Pop3Limits } from './limits.ts';
import { parseReply, type Reply, refusalError, type Stage } from './reply.ts';

/** One command and the shape of its reply. */
export interface Command {
  /** The line without its CRLF. Never shown: it may hold a secret. */
  readonly line: string;
  /** Names it in messages. */
  readonly name: string;
  /** The limits of the body that follows +OK; null for a reply of one line. */
  readonly body: BodyLimit | null;
  /** What the reply is expected to weigh; decides how many commands are sent ahead. */
  readonly weightBytes: number;
}

/** The reply to a command; `body` is null where there is none. */
export interface Answer {
  readonly reply: Reply;
  readonly body: Body | null;
}

/** A command with a reply of one line. */
export function lineCommand(line: string, name: string = line): Command {
  return { line, name, body: null, weightBytes: 64 };
}

/** One POP3 session: its commands, in order, with replies read as they are asked for. */
export class Pop3Session {
  readonly peer: string;
  readonly limits: Pop3Limits;
  capabilities: Capabilities = NO_CAPABILITIES;
  encrypted: boolean;
  readonly #connection: Connection;
  readonly #secrets: readonly RegExp[];
  /** Sent, and their replies not read yet. */
  #outstanding: Command[] = [];
  /** Counts the exchanges: one that was left may not read the replies of a later one. */
  #turn = 0;
  #onEnd: () => void;

  /**
   * `secrets` are never shown, not even when the server repeats them. `onEnd` is called when the session ended, in
   * whatever way, perhaps more than once.
   */
  constructor(
    connection: Connection,
    limits: Pop3Limits,
    encrypted: boolean,
    secrets: readonly string[],
    onEnd: () => void,
  ) {
    this.#connection = connection;
    this.peer = connection.peer;
    this.limits = limits;
    this.encrypted = encrypted;
    this.#secrets = secrets.filter((secret) => secret !== '').map(patternOf);
    this.#onEnd = onEnd;
  }

  /** Why the session is over; null while it is not. */
  get failure(): MailError | null {
    return this.#connection.reader.failure;
  }

  /** Ends the session at once: whoever waits for a reply gets the error. The first one stays the session's failure. */
  fail(error: MailError): void {
    this.#connection.reader.fail(error);
    this.#connection.destroy();
    this.#onEnd();
  }

  /** The server's greeting. Throws MailError, with the server's words when it refuses. */
  async greeting(): Promise<void> {
    await this.#orFail(async () => {
      const reader = this.#connection.reader;
      reader.begin('the greeting', this.limits.greetingTimeoutMs);
      const reply = this.#parse(await reader.readLine(), 'the greeting');
      if (reply.kind === 'err') throw this.refusal(reply, `connect to "${this.peer}"`, 'greeting');
      if (reply.kind === 'continue') throw this.#unexpected(reply.text, 'the greeting');
    });
  }

  /** Sends one command and reads its reply. Throws MailError when the session fails; a -ERR is an answer. */
  async command(command: Command): Promise<Answer> {
    for await (const answer of this.exchange([command])) return answer;
    throw new Error('a command had no answer');
  }

  /**
   * Sends the commands in order and yields their answers in order. Where the server offers PIPELINING (RFC 2449 section
   * 6.6) commands go ahead of the replies, within the window. May be left early: replies still to come are read and
   * thrown away by the next exchange. After a body without end it throws when asked for the next answer.
   */
  async *exchange(commands: readonly Command[]): AsyncGenerator<Answer, void, void> {
    this.#turn += 1;
    const turn = this.#turn;
    await this.#discardOutstanding();
    let sent = 0;
    for (const command of commands) {
      if (this.#turn !== turn) throw new Error('another exchange began before this one was read');
      await this.#refuseUnasked(command);
      sent = this.#sendAhead(commands, sent);
      yield await this.#receive(command);
    }
  }

  /** Says QUIT; true only when the server says +OK (RFC 1939 section 6). Throws MailError when the session fails. */
  async quit(): Promise<boolean> {
    const { reply } = await this.command(lineCommand('QUIT'));
    this.#connection.end();
    this.#onEnd();
    return reply.kind === 'ok';
  }

  /** The error that a -ERR means. `doing` continues "Cannot …". */
  refusal(reply: Extract<Reply, { kind: 'err' }>, doing: string, stage: Stage): MailError {
    return refusalError(reply, {
      doing,
      stage,
      encrypted: this.encrypted,
      loginDelayMs: this.capabilities.loginDelayMs,
    });
  }

  #sendAhead(commands: readonly Command[], from: number): number {
    const ahead = this.#outstanding;
    const { windowCount, windowBytes } = this.limits;
    let weight = ahead.reduce((sum, command) => sum + command.weightBytes, 0);
    // Filled again when half empty: one write, and one TLS record, then carries many commands.
    if (ahead.length > 0 && (ahead.length > windowCount / 2 || weight > windowBytes / 2)) return from;
    let lines = '';
    let next = from;
    for (let command = commands[next]; command !== undefined; command = commands[next]) {
      const full = ahead.length >= windowCount || weight + command.weightBytes > windowBytes;
      if (ahead.length > 0 && (full || !this.capabilities.pipelining)) break;
      lines += `${command.line}\r\n`;
      ahead.push(command);
      weight += command.weightBytes;
      next += 1;
    }
    if (lines !== '' && this.failure === null) this.#connection.write(lines);
    return next;
  }

  /** A line that is here before anything was asked would be taken for the reply to the next command. */
  async #refuseUnasked(command: Command): Promise<void> {
    const reader = this.#connection.reader;
    if (this.#outstanding.length > 0 || reader.unreadBytes === 0) return;
    await this.#orFail(async () => {
      const doing = `send ${command.name} to "${this.peer}"`;
      reader.begin(`a line before ${command.name}`, this.limits.replyTimeoutMs);
      const said = oneLine(this.#withoutSecrets(await reader.readLine()));
      throw new MailError('network', `Cannot ${doing}: the server had sent "${said}" without being asked`);
    });
  }

  async #discardOutstanding(): Promise<void> {
    for (let command = this.#outstanding[0]; command !== undefined; command = this.#outstanding[0]) {
      await this.#receive(command);
    }
  }

  async #receive(command: Command): Promise<Answer> {
    return this.#orFail(async () => {
      const reader = this.#connection.reader;
      reader.begin(`the reply to ${command.name}`, this.limits.replyTimeoutMs);
      const reply = this.#parse(await reader.readLine(), `the reply to ${command.name}`);
      const body = command.body !== null && reply.kind === 'ok' ? await reader.readBody(command.body) : null;
      this.#outstanding.shift();
      if (body?.ended === false) {
        this.fail(
          new MailError(
            'protocol',
            `Cannot read the reply to ${command.name} from "${this.peer}": more than ${body.totalBytes} bytes without end`,
          ),
        );
      }
      return { reply, body };
    });
  }

  async #orFail<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof MailError) this.fail(error);
      throw error;
    }
  }

  #parse(line: string, awaited: string): Reply {
    const shown = this.#withoutSecrets(line);
    const reply = parseReply(shown);
    if (reply === null) throw this.#unexpected(shown, awaited);
    return reply;
  }

  #withoutSecrets(line: string): string {
    return this.#secrets.reduce((text, secret) => text.replace(secret, '***'), line);
  }

  #unexpected(text: string, awaited: string): MailError {
    const hint = /^\* (?:OK|BYE|PREAUTH)/i.test(text) ? '; it speaks IMAP, use --protocol imap' : '';
    const said = oneLine(text);
    return new MailError(
      'protocol',
      `Cannot read ${awaited} from "${this.peer}": "${said}" is no POP3 reply${hint}`,
    );
  }
}

/** Finds a secret in a line that was decoded as ISO 8859-1, in any case: some servers repeat a command in capitals. */
function patternOf(secret: string): RegExp {
  const onTheWire = Buffer.from(secret, 'utf8').toString('latin1');
  return new RegExp(onTheWire.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'), 'gi');
}
