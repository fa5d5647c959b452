import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { BadCommandError, type CommandPart, type ImapCommand, parseCommand, textOf } from './command.ts';
import { ImapCommandReader } from './command-reader.ts';
import { MAILBOX_COMMANDS } from './mailbox-commands.ts';
import { MESSAGE_COMMANDS } from './message-commands.ts';
import type { ImapServerQuirks, SessionState } from './state.ts';
import type { ImapServerAccount } from './store.ts';

const IDLE_TIMEOUT_MS = 30 * 60_000;

/** What a session needs of its server. */
export interface ImapSessionContext {
  account(username: string): ImapServerAccount | null;
  /** For STARTTLS; null when there is none to offer. */
  readonly tls: { readonly key: string; readonly cert: string } | null;
  readonly quirks: Required<ImapServerQuirks>;
}

/** The server's side of one IMAP4rev1 connection (RFC 3501; SASL PLAIN, UIDPLUS, MOVE, SPECIAL-USE, literals without wait). */
export class ImapServerSession {
  readonly #context: ImapSessionContext;
  readonly #reader: ImapCommandReader;
  #socket: Socket;
  #state: SessionState | null = null;
  #hasEnded = false;

  constructor(socket: Socket, context: ImapSessionContext) {
    this.#context = context;
    this.#socket = socket;
    this.#reader = new ImapCommandReader(socket);
    this.#watch(socket);
  }

  /** Answers commands until the client leaves. */
  async serve(): Promise<void> {
    this.#send(`* OK [CAPABILITY ${this.#capabilities()}] Ready`);
    try {
      while (!this.#hasEnded) {
        const parts = await this.#reader.command(() => this.#send('+ Go on'));
        if (parts === null) break;
        await this.#answer(parts);
      }
    } catch (error) {
      // What was too long to be taken leaves the rest of the command on the wire.
      if (!(error instanceof BadCommandError)) throw error;
      this.#send(`* BYE ${error.message}`);
    }
    this.#socket.end();
  }

  async #answer(parts: readonly CommandPart[]): Promise<void> {
    const [first] = parts;
    const tag = first !== undefined && 'line' in first ? (/^[^ ]+/.exec(first.line)?.[0] ?? '*') : '*';
    try {
      const { name, args } = parseCommand(parts);
      if (name === 'STARTTLS') this.#startTls(tag);
      else this.#send(`${tag} ${await this.#perform(name, args)}`);
    } catch (error) {
      if (!(error instanceof BadCommandError)) throw error;
      this.#send(`${tag} BAD ${error.message}`);
    }
  }

  async #perform(name: string, args: ImapCommand['args']): Promise<string> {
    switch (name) {
      case 'CAPABILITY':
        this.#send(`* CAPABILITY ${this.#capabilities()}`);
        return 'OK Done';
      case 'ID':
        this.#send('* ID NIL');
        return 'OK Done';
      case 'NOOP':
        this.#sendNews(true);
        return 'OK Done';
      case 'LOGOUT':
        this.#send('* BYE See you');
        this.#hasEnded = true;
        return 'OK Done';
      case 'LOGIN':
        return this.#login(textOf(args[0]), textOf(args[1]));
      case 'AUTHENTICATE':
        return await this.#authenticate(args);
      default:
        return this.#performLoggedIn(name, args);
    }
  }

  #performLoggedIn(name: string, args: ImapCommand['args']): string {
    const isUid = name.startsWith('UID ');
    const plain = isUid ? name.slice(4) : name;
    const handler = MESSAGE_COMMANDS.get(plain) ?? (isUid ? undefined : MAILBOX_COMMANDS.get(plain));
    if (handler === undefined) throw new BadCommandError(`${name} is not known here`);
    const state = this.#state;
    if (state === null) throw new BadCommandError('Log in first');
    const completion = handler(state, args, isUid);
    // RFC 9051 section 7.5.1: no EXPUNGE during FETCH, STORE and SEARCH, whose numbers would not hold.
    this.#sendNews(isUid || !['FETCH', 'STORE', 'SEARCH'].includes(name));
    return completion;
  }

  #sendNews(mayExpunge: boolean): void {
    for (const news of this.#state?.selected?.takeNews(mayExpunge) ?? []) this.#send(news);
  }

  #capabilities(): string {
    const { quirks, tls } = this.#context;
    return [
      'IMAP4rev1 LITERAL+ SASL-IR AUTH=PLAIN ID ENABLE NAMESPACE UNSELECT SPECIAL-USE',
      ...(tls !== null && !(this.#socket instanceof TLSSocket) ? ['STARTTLS'] : []),
      ...(quirks.uidPlus ? ['UIDPLUS'] : []),
      ...(quirks.move ? ['MOVE'] : []),
    ].join(' ');
  }

  #login(username: string, password: string): string {
    if (this.#state !== null) throw new BadCommandError('Logged in already');
    const account = this.#context.account(username);
    if (account === null || account.password !== password) {
      return 'NO [AUTHENTICATIONFAILED] Wrong user name or password';
    }
    const { quirks } = this.#context;
    this.#state = { account, quirks, selected: null, send: (...parts) => this.#send(...parts) };
    return `OK [CAPABILITY ${this.#capabilities()}] Logged in`;
  }

  /** SASL PLAIN (RFC 4616), with or without an initial response (RFC 4959). */
  async #authenticate([mechanism, initial]: ImapCommand['args']): Promise<string> {
    if (textOf(mechanism).toUpperCase() !== 'PLAIN') return 'NO [CANNOT] Only PLAIN is known here';
    if (initial === undefined) this.#send('+ ');
    const response = initial === undefined ? await this.#reader.line() : textOf(initial);
    if (response === null || response === '*') throw new BadCommandError('The login was given up');
    const [, username = '', password = ''] = Buffer.from(response, 'base64').toString('utf8').split('\0');
    return this.#login(username, password);
  }

  #startTls(tag: string): void {
    const { tls } = this.#context;
    if (tls === null || this.#socket instanceof TLSSocket)
      throw new BadCommandError('STARTTLS is not offered');
    this.#send(`${tag} OK Begin TLS`);
    const secured = new TLSSocket(this.#socket, { isServer: true, ...tls });
    this.#socket = secured;
    this.#watch(secured);
    this.#reader.switchTo(secured);
  }

  #watch(socket: Socket): void {
    socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy());
    // A client that vanishes, or speaks no TLS, ends its own connection only.
    socket.on('error', () => socket.destroy());
  }

  #send(...parts: readonly (string | Buffer)[]): void {
    if (this.#socket.destroyed) return;
    this.#socket.cork();
    for (const part of parts) if (part.length > 0) this.#socket.write(part);
    this.#socket.write('\r\n');
    this.#socket.uncork();
  }
}
