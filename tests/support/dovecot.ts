import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type DovecotPorts,
  type DovecotUser,
  dovecotConfig,
  homeOf,
  type Namespace,
  type ServerIdentity,
  usersFile,
} from './dovecot-config.ts';
import { dovecotVersion, type RunningDovecot, runDovecot, serverIdentity } from './dovecot-process.ts';
import {
  deliverToMaildir,
  forgetUids,
  maildirFolder,
  maildirMailboxes,
  type Owner,
  readMaildir,
  type StoredMessage,
} from './maildir.ts';

interface DovecotOptions {
  /** Logins by name. @default one user `ana` with the password `secret` */
  readonly users?: Readonly<Record<string, DovecotUser>>;
  /** More lines of dovecot.conf; they win over the harness's own. @default none */
  readonly settings?: string;
  /** @default no prefix, separator `/` */
  readonly namespace?: Namespace;
}

/** A Dovecot of its own: configuration, mail and log in a temporary folder, on free ports of 127.0.0.1. */
export interface Dovecot {
  readonly version: string;
  /** Holds all of it; handy when a test fails. */
  readonly folder: string;
  readonly host: '127.0.0.1';
  /** The process group of the running server, for measuring what it uses. */
  processGroup(): number;
  readonly ports: DovecotPorts;
  /** The self-signed certificate, for `localhost` and 127.0.0.1. */
  readonly caPem: string;
  /** Puts a mail into a mailbox (made when missing) and resolves to the name of its file. @default mailbox INBOX */
  deliver(user: string, mail: Uint8Array, mailbox?: string, receivedAt?: Date): Promise<string>;
  /** Puts many mails into a mailbox in their order, and resolves to the names of the files. */
  deliverAll(user: string, mails: Iterable<Uint8Array>, mailbox?: string): Promise<string[]>;
  /** The mailboxes on disk, INBOX first. */
  mailboxes(user: string): string[];
  /** The messages on disk in the order of their delivery. @default mailbox INBOX */
  messages(user: string, mailbox?: string): StoredMessage[];
  /** Makes the server forget the UIDs of a mailbox that no session has open: its UIDVALIDITY changes. */
  resetUidValidity(user: string, mailbox?: string): void;
  /** What the server logged so far. */
  log(): string;
  /**
   * Ends the server in good order if it runs, which takes about a second, and starts it again: same ports, same mail.
   * `settings` replace those of the options from then on.
   */
  restart(settings?: string): Promise<void>;
  /** Ends the server and all its sessions at once, as a crash does. */
  kill(): Promise<void>;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
}

const FIXTURES = fileURLToPath(new URL('./fixtures/', import.meta.url));
const START_TRIES = 5;

/**
 * Starts a Dovecot and resolves once it answers on its ports. It ends, and its folder goes, when this process ends.
 * Throws when Dovecot is not installed, is no 2.3, or does not start; the message has its log then.
 */
export async function startDovecot(options: DovecotOptions = {}): Promise<Dovecot> {
  const version = await dovecotVersion();
  const identity = serverIdentity();
  const folder = makeFolder(identity, options);
  for (let tries = 1; ; tries++) {
    const ports = await freePorts();
    writeConfig(folder, ports, identity, options);
    try {
      return dovecotOf({
        version,
        identity,
        folder,
        ports,
        options,
        running: await runDovecot(folder, ports, identity),
      });
    } catch (error) {
      // Another process can take a free port before the server does.
      const portTaken = error instanceof Error && error.message.includes('Address already in use');
      if (portTaken && tries < START_TRIES) continue;
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }
}

interface Started {
  readonly version: string;
  readonly identity: ServerIdentity;
  readonly folder: string;
  readonly ports: DovecotPorts;
  readonly options: DovecotOptions;
  readonly running: RunningDovecot;
}

function dovecotOf({ version, identity, folder, ports, options, running: first }: Started): Dovecot {
  const namespace = namespaceOf(options);
  const owner = ownerOf(identity);
  const maildir = (user: string) => join(homeOf(folder, user), 'Maildir');
  const mailboxFolder = (user: string, mailbox = 'INBOX') => maildirFolder(maildir(user), mailbox, namespace);
  let running: RunningDovecot = first;

  return {
    version,
    folder,
    host: '127.0.0.1',
    processGroup: () => running.processGroup,
    ports,
    caPem: readFileSync(join(folder, 'server.crt'), 'utf8'),
    async deliver(user, mail, mailbox, receivedAt) {
      const [name = ''] = await deliverToMaildir(mailboxFolder(user, mailbox), [mail], { owner, receivedAt });
      return name;
    },
    deliverAll: (user, mails, mailbox) => deliverToMaildir(mailboxFolder(user, mailbox), mails, { owner }),
    mailboxes: (user) => maildirMailboxes(maildir(user), namespace),
    messages: (user, mailbox) => readMaildir(mailboxFolder(user, mailbox)),
    resetUidValidity: (user, mailbox) => forgetUids(mailboxFolder(user, mailbox)),
    log: () => readFileSync(join(folder, 'dovecot.log'), 'utf8'),
    async restart(settings) {
      await running.stop();
      if (settings !== undefined) writeConfig(folder, ports, identity, { ...options, settings });
      running = await runDovecot(folder, ports, identity);
    },
    kill: () => running.kill(),
    async stop() {
      // Nobody needs its good-byes, which take a second.
      await running.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function namespaceOf(options: DovecotOptions): Namespace {
  return options.namespace ?? { prefix: '', separator: '/' };
}

/** Files need an owner only where the server runs as another user than the tests. */
function ownerOf(identity: ServerIdentity): Owner {
  return process.getuid?.() === identity.uid ? null : identity;
}

function makeFolder(identity: ServerIdentity, options: DovecotOptions): string {
  const folder = mkdtempSync(join(tmpdir(), 'mailhook-dovecot-'));
  const users = options.users ?? { ana: { password: 'secret' } };
  for (const name of ['run', 'mail']) mkdirSync(join(folder, name));
  for (const suffix of ['crt', 'key']) {
    copyFileSync(join(FIXTURES, `dovecot-localhost.${suffix}`), join(folder, `server.${suffix}`));
  }
  writeFileSync(join(folder, 'users'), usersFile(users, folder, identity), { mode: 0o600 });
  chmodSync(join(folder, 'server.key'), 0o600);
  if (ownerOf(identity) !== null) {
    for (const name of ['', 'run', 'mail', 'users', 'server.crt', 'server.key']) {
      chownSync(join(folder, name), identity.uid, identity.gid);
    }
  }
  return folder;
}

function writeConfig(
  folder: string,
  ports: DovecotPorts,
  identity: ServerIdentity,
  options: DovecotOptions,
): void {
  const namespace = namespaceOf(options);
  const config = dovecotConfig({ folder, ports, identity, namespace, settings: options.settings ?? '' });
  writeFileSync(join(folder, 'dovecot.conf'), config);
}

async function freePorts(): Promise<DovecotPorts> {
  // All four are held open until the last one is known, so that no two are the same.
  const held = await Promise.all([holdPort(), holdPort(), holdPort(), holdPort()]);
  await Promise.all(held.map(({ release }) => release()));
  const [imap, imaps, pop3, pop3s] = held;
  return { imap: imap.port, imaps: imaps.port, pop3: pop3.port, pop3s: pop3s.port };
}

function holdPort(): Promise<{ port: number; release: () => Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') {
        reject(new Error(`Cannot find a free port: the listener has the address "${address}"`));
        return;
      }
      resolve({ port: address.port, release: () => new Promise((done) => server.close(() => done())) });
    });
  });
}
