import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startImapServer } from '../../local/demo/imap-server.ts';
import { startPop3Server } from '../../local/demo/pop3-server.ts';
import { generateMails } from './mail-generator.ts';
import { type Receiver, type ReceiverOptions, startReceiver } from './receiver.ts';
import type { StackWorld } from './stack-world.ts';

const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
const PASSWORD = 'secret';
/** How a file for `apply` names a variable. */
const variable = (name: string) => `\${${name}}`;
const PROTOCOLS = ['imap', 'pop3'] as const;

/** Mailboxes on loopback, half of them IMAP and half POP3, as accounts of a stack, and the one webhook that takes their mails. */
export interface StormWorld extends AsyncDisposable {
  readonly accounts: readonly string[];
  readonly mailPorts: readonly number[];
  readonly receiver: Receiver;
  /** The hex SHA-256 of each mail. */
  readonly mailHashes: readonly string[];
  /** Puts the mails from this share to that one, of 0 to 1, of each mailbox into it. */
  arrive(from: number, to: number): void;
  /** How many mails each mailbox still holds where the account found them, and how many altogether elsewhere. */
  onServers(): { readonly inboxes: readonly number[]; readonly moved: number };
}

interface StormOptions {
  readonly seed: number;
  /** Mailboxes of each protocol. */
  readonly mailboxes: number;
  readonly mailsEach: number;
  readonly answer: ReceiverOptions['answer'];
}

/** Starts the servers and the receiver, and adds accounts and webhook to the stack: delivered mails are moved or deleted. */
export async function openStorm(stack: StackWorld, options: StormOptions): Promise<StormWorld> {
  const { seed, mailboxes, mailsEach } = options;
  const users = Array.from({ length: mailboxes }, (_, index) => `user${index}`);
  const drops = Object.fromEntries(users.map((name) => [name, { password: PASSWORD }]));
  const boxes = Object.fromEntries(
    users.map((name) => [name, { password: PASSWORD, mailboxes: [{ name: 'Done' }] }]),
  );
  const imap = await startImapServer({ users: boxes });
  const pop3 = await startPop3Server({ users: drops });
  const receiver = await startReceiver({
    secret: SECRET,
    ...(options.answer !== undefined && { answer: options.answer }),
  });
  const logins = PROTOCOLS.flatMap((protocol) => users.map((username) => ({ protocol, username })));
  const ports = { imap: imap.port, pop3: pop3.port };
  const accounts = logins.map(({ protocol, username }) => ({
    ...{ name: `${protocol}-${username}`, protocol, host: '127.0.0.1', port: ports[protocol], username },
    ...{ security: 'none', password: variable('PASSWORD'), intervalSeconds: 60 },
    onDelivered: protocol === 'imap' ? 'move:Done' : 'delete',
  }));
  await apply(stack, {
    accounts,
    webhooks: [{ name: 'storm', url: receiver.url, secret: variable('SECRET') }],
  });
  const mails = generateMails({ seed, count: logins.length * mailsEach });
  return {
    accounts: accounts.map(({ name }) => name),
    mailPorts: [imap.port, pop3.port],
    receiver,
    mailHashes: mails.map((mail) => createHash('sha256').update(mail).digest('hex')),
    arrive(from, to) {
      for (const [index, { protocol, username }] of logins.entries()) {
        const first = index * mailsEach;
        const some = mails.slice(first + Math.round(from * mailsEach), first + Math.round(to * mailsEach));
        for (const mail of some) {
          if (protocol === 'imap') imap.mailbox(username).add(mail);
          else pop3.add(username, mail);
        }
      }
    },
    onServers: () => ({
      inboxes: [
        ...users.map((name) => imap.mailbox(name).mails.length),
        ...users.map((name) => pop3.mails(name).length),
      ],
      moved: users.reduce((sum, name) => sum + imap.mailbox(name, 'Done').mails.length, 0),
    }),
    async [Symbol.asyncDispose]() {
      await Promise.all([imap.close(), pop3.close(), receiver.close()]);
    },
  };
}

/** JSON is YAML too. */
async function apply(stack: StackWorld, wanted: object): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mailhook-storm-'));
  const file = join(folder, 'storm.yaml');
  writeFileSync(file, JSON.stringify(wanted));
  try {
    await stack.json(['apply', file], { env: { SECRET, PASSWORD } });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
