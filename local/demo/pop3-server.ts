import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { Pop3Maildrop, type Pop3SessionEnd, type StoredMail } from './pop3-maildrop.ts';
import { Pop3ServerSession, type SessionContext } from './pop3-server-session.ts';

/** A login and what it finds. */
interface Pop3ServerUser {
  readonly password: string;
  /** Raw mails with CRLF line ends, oldest first. @default none */
  readonly mails?: readonly Uint8Array[];
}

/** How the server is set up. */
export interface Pop3ServerOptions {
  /** Logins by name. */
  readonly users: Readonly<Record<string, Pop3ServerUser>>;
  /** @default 0, any free one */
  readonly port?: number;
  /** Key and certificate (PEM): STLS is offered, or with `implicitTls` every connection is TLS. @default none */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** @default false */
  readonly implicitTls?: boolean;
  /** Whether PIPELINING is offered. @default true */
  readonly pipelining?: boolean;
}

/** A POP3 server on 127.0.0.1 that keeps its mails in memory. An unknown user name is a bug of the caller and throws. */
export interface Pop3Server {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Adds a mail for the sessions to come, and returns its UIDL. */
  add(username: string, mail: Uint8Array): string;
  /** The mails that are left. */
  mails(username: string): readonly StoredMail[];
  /** Resolves when the next session of the user ends, the one that is logged in if there is one. */
  nextSession(username: string): Promise<Pop3SessionEnd>;
  /** Ends all connections and stops listening. */
  close(): Promise<void>;
}

/** Starts the server, for the demo and for tests. */
export async function startPop3Server(options: Pop3ServerOptions): Promise<Pop3Server> {
  const maildrops = new Map<string, Pop3Maildrop>();
  for (const [username, user] of Object.entries(options.users)) {
    const maildrop = new Pop3Maildrop(user.password);
    for (const mail of user.mails ?? []) maildrop.add(mail);
    maildrops.set(username, maildrop);
  }
  const maildropOf = (username: string): Pop3Maildrop => {
    const maildrop = maildrops.get(username);
    if (maildrop === undefined) throw new Error(`The POP3 server has no user "${username}"`);
    return maildrop;
  };
  const context: SessionContext = {
    maildrop: (username) => maildrops.get(username) ?? null,
    tls: options.tls ?? null,
    pipelining: options.pipelining ?? true,
  };
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, options, context);
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    add: (username, mail) => maildropOf(username).add(mail),
    mails: (username) => maildropOf(username).mails,
    nextSession: (username) => maildropOf(username).nextEnd(),
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

function serve(socket: Socket, options: Pop3ServerOptions, context: SessionContext): void {
  if (!options.implicitTls || !options.tls) {
    new Pop3ServerSession(socket, context);
    return;
  }
  // A client that speaks no TLS ends its own connection, not the server.
  socket.on('error', () => socket.destroy());
  new Pop3ServerSession(new TLSSocket(socket, { isServer: true, ...options.tls }), context);
}
