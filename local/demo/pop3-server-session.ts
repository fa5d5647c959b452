import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Pop3Maildrop, StoredMail } from './pop3-maildrop.ts';

/** RFC 2449 section 4 allows 255 octets; a client that sends much more is not one of ours. */
const MAX_LINE_BYTES = 4_096;
const IDLE_TIMEOUT_MS = 10 * 60_000;

/** What a session needs of its server. */
export interface SessionContext {
  maildrop(username: string): Pop3Maildrop | null;
  /** For STLS; null when there is none to offer. */
  readonly tls: { readonly key: string; readonly cert: string } | null;
  readonly pipelining: boolean;
}

/** The server's side of one POP3 connection (RFC 1939, CAPA of RFC 2449, STLS of RFC 2595). */
export class Pop3ServerSession {
  readonly #context: SessionContext;
  #socket: Socket;
  #rest = '';
  #username = '';
  #maildrop: Pop3Maildrop | null = null;
  #mails: readonly StoredMail[] = [];
  readonly #deleted = new Set<StoredMail>();
  readonly #retrieved: string[] = [];
  #quit = false;
  /** STLS is offered once, and not inside TLS. */
  #mayStartTls: boolean;

  /** The commands of the TRANSACTION state, with their arguments. */
  readonly #commands = new Map<string, (args: readonly string[]) => void>([
    ['STAT', () => this.#stat()],
    ['UIDL', (args) => this.#list(args, ({ uidl }) => uidl)],
    ['LIST', (args) => this.#list(args, ({ raw }) => String(raw.length))],
    ['RETR', (args) => this.#withMail(args, (mail) => this.#retrieve(mail))],
    ['TOP', (args) => this.#withMail(args, ({ raw }) => this.#replyBody(topOf(raw, Number(args[1] ?? 0))))],
    ['DELE', (args) => this.#withMail(args, (mail) => this.#delete(mail))],
    ['RSET', () => this.#reset()],
    ['NOOP', () => this.#reply('+OK')],
  ]);

  constructor(socket: Socket, context: SessionContext) {
    this.#context = context;
    this.#socket = socket;
    this.#mayStartTls = context.tls !== null && !(socket instanceof TLSSocket);
    this.#listen(socket);
    this.#reply('+OK ready');
  }

  #listen(socket: Socket): void {
    socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy());
    socket.on('data', this.#onData);
    socket.on('error', () => socket.destroy());
    socket.on('close', this.#onClose);
  }

  readonly #onData = (bytes: Buffer): void => {
    const socket = this.#socket;
    const lines = (this.#rest + bytes.toString('latin1')).split('\r\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > MAX_LINE_BYTES) socket.destroy();
    for (const line of lines) {
      // Behind QUIT nothing counts, and behind STLS nothing that was not encrypted (RFC 2595 section 4).
      if (this.#quit || socket !== this.#socket) return;
      this.#handle(Buffer.from(line, 'latin1').toString('utf8'));
    }
  };

  readonly #onClose = (): void => {
    const maildrop = this.#maildrop;
    this.#maildrop = null;
    maildrop?.unlock({
      retrieved: this.#retrieved,
      deleted: this.#quit ? [...this.#deleted].map((mail) => mail.uidl) : [],
      quit: this.#quit,
    });
  };

  #handle(line: string): void {
    const space = line.indexOf(' ');
    const verb = (space === -1 ? line : line.slice(0, space)).toUpperCase();
    const args = space === -1 ? '' : line.slice(space + 1);
    if (verb === 'CAPA') this.#replyLines('+OK', this.#capabilities());
    else if (verb === 'QUIT') this.#end();
    else if (this.#maildrop === null) this.#authorize(verb, args);
    else this.#transact(verb, args.split(' '));
  }

  #capabilities(): string[] {
    const optional = [
      ...(this.#context.pipelining ? ['PIPELINING'] : []),
      ...(this.#mayStartTls && this.#maildrop === null ? ['STLS'] : []),
    ];
    return ['USER', 'TOP', 'UIDL', 'RESP-CODES', 'AUTH-RESP-CODE', ...optional];
  }

  #authorize(verb: string, args: string): void {
    if (verb === 'USER') {
      this.#username = args;
      this.#reply('+OK');
    } else if (verb === 'PASS') {
      this.#logIn(args);
    } else if (verb === 'STLS' && this.#mayStartTls) {
      this.#startTls();
    } else {
      this.#reply('-ERR log in first');
    }
  }

  #logIn(password: string): void {
    const maildrop = this.#context.maildrop(this.#username);
    if (maildrop === null || maildrop.password !== password) {
      this.#reply('-ERR [AUTH] wrong user name or password');
      return;
    }
    const mails = maildrop.lock();
    if (mails === null) {
      this.#reply('-ERR [IN-USE] another session has the maildrop');
      return;
    }
    this.#maildrop = maildrop;
    this.#mails = mails;
    this.#reply(`+OK ${mails.length} messages`);
  }

  #startTls(): void {
    if (this.#context.tls === null) return;
    const plain = this.#socket;
    this.#reply('+OK begin TLS');
    this.#mayStartTls = false;
    this.#rest = '';
    this.#username = '';
    plain.off('data', this.#onData).off('close', this.#onClose);
    this.#socket = new TLSSocket(plain, { isServer: true, ...this.#context.tls });
    this.#listen(this.#socket);
  }

  #transact(verb: string, args: readonly string[]): void {
    const run = this.#commands.get(verb);
    if (run) run(args);
    else this.#reply('-ERR unknown command');
  }

  #stat(): void {
    const present = this.#present();
    const octets = present.reduce((sum, { mail }) => sum + mail.raw.length, 0);
    this.#reply(`+OK ${present.length} ${octets}`);
  }

  #retrieve(mail: StoredMail): void {
    this.#retrieved.push(mail.uidl);
    this.#replyBody(mail.raw);
  }

  #delete(mail: StoredMail): void {
    this.#deleted.add(mail);
    this.#reply('+OK');
  }

  #reset(): void {
    this.#deleted.clear();
    this.#reply('+OK');
  }

  #present(): { number: number; mail: StoredMail }[] {
    return this.#mails
      .map((mail, index) => ({ number: index + 1, mail }))
      .filter(({ mail }) => !this.#deleted.has(mail));
  }

  #list(args: readonly string[], show: (mail: StoredMail) => string): void {
    if (args[0]) {
      this.#withMail(args, (mail) => this.#reply(`+OK ${args[0]} ${show(mail)}`));
    } else {
      const lines = this.#present().map(({ number, mail }) => `${number} ${show(mail)}`);
      this.#replyLines(`+OK ${lines.length} messages`, lines);
    }
  }

  #withMail(args: readonly string[], use: (mail: StoredMail) => void): void {
    const mail = /^\d+$/.test(args[0] ?? '') ? this.#mails[Number(args[0]) - 1] : undefined;
    if (mail === undefined) this.#reply('-ERR no such message');
    else if (this.#deleted.has(mail)) this.#reply('-ERR message is deleted');
    else use(mail);
  }

  #end(): void {
    this.#quit = true;
    // The maildrop is updated before the answer, so whoever sees +OK finds it so (RFC 1939 section 6).
    this.#onClose();
    this.#reply('+OK bye');
    this.#socket.end();
  }

  #reply(line: string): void {
    this.#socket.write(`${line}\r\n`);
  }

  #replyLines(status: string, lines: readonly string[]): void {
    this.#socket.write([status, ...lines, '.', ''].join('\r\n'));
  }

  #replyBody(body: Buffer): void {
    const text = body.toString('latin1').replace(/(^|\r\n)\./g, '$1..');
    const end = text === '' || text.endsWith('\r\n') ? '.\r\n' : '\r\n.\r\n';
    this.#socket.write(`+OK ${body.length} octets\r\n${text}${end}`, 'latin1');
  }
}

function topOf(raw: Buffer, lines: number): Buffer {
  const text = raw.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return raw;
  const body = text
    .slice(end + 4)
    .split('\r\n')
    .slice(0, lines);
  return Buffer.from(`${text.slice(0, end + 4)}${body.map((line) => `${line}\r\n`).join('')}`, 'latin1');
}
