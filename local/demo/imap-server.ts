import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ImapServerSession, type ImapSessionContext } from './imap/session.ts';
import type { ImapServerQuirks } from './imap/state.ts';
import { ImapServerAccount, type ImapServerMailbox } from './imap/store.ts';

/** A login and what it finds. */
interface ImapServerUser {
  readonly password: string;
  /** Mails in INBOX, raw with CRLF line ends, oldest first. @default none */
  readonly mails?: readonly Uint8Array[];
  /** Mailboxes besides INBOX. @default none */
  readonly mailboxes?: readonly {
    readonly name: string;
    /** `\Archive`, `\Sent`, … (RFC 6154). @default none */
    readonly specialUse?: string;
  }[];
}

/** How the server is set up. */
export interface ImapServerOptions {
  /** Logins by name. */
  readonly users: Readonly<Record<string, ImapServerUser>>;
  /** @default 0, any free one */
  readonly port?: number;
  /** Key and certificate (PEM): STARTTLS is offered, or with `implicitTls` every connection is TLS. @default none */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** @default false */
  readonly implicitTls?: boolean;
  /** @default a complete server */
  readonly quirks?: ImapServerQuirks;
}

/** An IMAP server on 127.0.0.1 that keeps its mails in memory. An unknown user name is a bug of the caller and throws. */
export interface ImapServer {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** What the user's other mail programs could see and do. */
  account(username: string): ImapServerAccount;
  /** A mailbox of the user; throws when there is none. @default INBOX */
  mailbox(username: string, name?: string): ImapServerMailbox;
  /** Ends all connections and stops listening. */
  close(): Promise<void>;
}

const COMPLETE: Required<ImapServerQuirks> = {
  move: true,
  uidPlus: true,
  uidNext: true,
  uidValidity: true,
  readOnly: false,
  permanentFlags: ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft', '\\*'],
};

/** Starts the server, for the demo and for tests. */
export async function startImapServer(options: ImapServerOptions): Promise<ImapServer> {
  const accounts = new Map(Object.entries(options.users).map(([name, user]) => [name, accountOf(user)]));
  const context: ImapSessionContext = {
    account: (username) => accounts.get(username) ?? null,
    tls: options.tls ?? null,
    quirks: { ...COMPLETE, ...options.quirks },
  };
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A bug in a session ends that session; the demo goes on.
    void new ImapServerSession(encrypted(socket, options), context).serve().catch((error: unknown) => {
      socket.destroy();
      process.emitWarning(error instanceof Error ? error : String(error));
    });
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');

  const account = (username: string): ImapServerAccount => {
    const found = accounts.get(username);
    if (found === undefined) throw new Error(`The IMAP server has no user "${username}"`);
    return found;
  };
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    account,
    mailbox(username, name = 'INBOX') {
      const found = account(username).mailbox(name);
      if (found === null) throw new Error(`The IMAP server's user "${username}" has no mailbox "${name}"`);
      return found;
    },
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

function accountOf({ password, mails = [], mailboxes = [] }: ImapServerUser): ImapServerAccount {
  const account = new ImapServerAccount(password);
  for (const { name, specialUse } of mailboxes) account.create(name, specialUse);
  for (const mail of mails) account.mailbox('INBOX')?.add(mail);
  return account;
}

function encrypted(socket: Socket, { tls, implicitTls = false }: ImapServerOptions): Socket {
  if (!implicitTls || tls === undefined) return socket;
  socket.on('error', () => socket.destroy());
  return new TLSSocket(socket, { isServer: true, ...tls });
}
