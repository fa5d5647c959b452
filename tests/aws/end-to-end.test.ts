import { Webhook } from 'standardwebhooks';
import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { type ImapServer, startImapServer } from '../../local/demo/imap-server.ts';
import { type Pop3Server, startPop3Server } from '../../local/demo/pop3-server.ts';
import { smallMail } from '../support/poll-world.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { signatureFault } from '../support/signature-fault.ts';
import { openStack, type StackWorld } from '../support/stack-world.ts';

interface Message {
  readonly id: string;
  readonly subject: string;
  readonly state: string;
  readonly settlement: { readonly action: string; readonly state: string };
}
interface Page<Item> {
  readonly data: readonly Item[];
}
interface Polled {
  readonly accounts: readonly {
    readonly outcome: string;
    readonly committed: number;
    readonly settled: number;
  }[];
}

const PASSWORD = 'secret';

let stack: StackWorld;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  stack = await openStack(inject('miniStack'));
});
afterEach(async () => {
  await stack.clear();
  for (const close of closers.splice(0)) await close();
});

async function imapServer(): Promise<ImapServer> {
  const server = await startImapServer({
    users: { ana: { password: PASSWORD, mails: [smallMail('old')], mailboxes: [{ name: 'Done' }] } },
  });
  closers.push(() => server.close());
  return server;
}

async function pop3Server(): Promise<Pop3Server> {
  const server = await startPop3Server({ users: { ben: { password: PASSWORD, mails: [smallMail('old')] } } });
  closers.push(() => server.close());
  return server;
}

/** A receiver that is registered, and what is wrong with the signatures that it got. */
async function webhook(options: Parameters<typeof startReceiver>[0] = {}) {
  const receiver = await startReceiver(options);
  closers.push(() => receiver.close());
  const added = await stack.json<{ secret: string }>(['webhooks', 'add', receiver.url, '--name', 'hook']);
  const signed = new Webhook(added.secret);
  const signatureFaults = () =>
    receiver.requests.flatMap(({ body, headers }) => signatureFault(signed, body, headers, undefined) ?? []);
  return { ...receiver, secret: added.secret, signatureFaults };
}

const addAccount = (name: string, protocol: string, port: number, ...more: string[]) =>
  stack.json(
    [
      ...['accounts', 'add', name, '--protocol', protocol, '--host', '127.0.0.1', '--port', String(port)],
      ...['--security', 'none', '--username', name, '--password-stdin', '--interval', '60', ...more],
    ],
    { stdin: `${PASSWORD}\n` },
  );
const poll = () => stack.json<Polled>(['poll']);
const messages = async () => (await stack.json<Page<Message>>(['messages', 'list'])).data;
const subjects = ({ requests }: Pick<Receiver, 'requests'>) =>
  requests.map(({ body }) => JSON.parse(body.toString()).data.subject);

/** Asks again and again until it holds; the deadline is the test's own. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(setImmediate);
}

describe('mail on its way through the stack', () => {
  it('a new IMAP mail arrives once and signed, what was there before does not, and is then moved', async () => {
    const server = await imapServer();
    const receiver = await webhook();
    await addAccount('ana', 'imap', server.port, '--on-delivered', 'move:Done');
    server.mailbox('ana').add(smallMail('new'));
    expect((await poll()).accounts).toMatchObject([{ outcome: 'ok', committed: 1 }]);
    await receiver.whenAccepted(1);
    expect(subjects(receiver)).toEqual(['mail new']);
    expect([...receiver.faults, ...receiver.signatureFaults()]).toEqual([]);
    await until(async () => (await messages())[0]?.state === 'delivered');
    expect((await poll()).accounts).toMatchObject([{ outcome: 'ok', settled: 1 }]);
    expect(server.mailbox('ana', 'Done').mails).toHaveLength(1);
    expect(await messages()).toMatchObject([{ subject: 'mail new', settlement: { state: 'done' } }]);
  });

  it('the schedule polls by itself, and a POP3 mail is deleted only once it was delivered', async () => {
    const server = await pop3Server();
    const receiver = await webhook();
    await addAccount('ben', 'pop3', server.port, '--on-delivered', 'delete');
    receiver.withhold();
    server.add('ben', smallMail('first'));
    await poll();
    await receiver.whenReceived(1);
    await poll();
    expect(server.mails('ben')).toHaveLength(2);
    receiver.release();
    await receiver.whenAccepted(1);
    server.add('ben', smallMail('second'));
    // From here on nobody polls but the schedule.
    await receiver.whenAccepted(2);
    expect(subjects(receiver)).toEqual(['mail first', 'mail second']);
    await until(() => server.mails('ben').length <= 2);
    expect([...receiver.faults, ...receiver.signatureFaults()]).toEqual([]);
  }, 300_000);

  it('a receiver that fails gets the same bytes again under the same id', async () => {
    const server = await imapServer();
    const receiver = await webhook({ answer: ({ attempt }) => (attempt === 1 ? 500 : 200) });
    await addAccount('ana', 'imap', server.port);
    server.mailbox('ana').add(smallMail('twice'));
    await poll();
    await receiver.whenAccepted(1);
    expect(receiver.requests).toHaveLength(2);
    expect(receiver.requests[1]?.body).toEqual(receiver.requests[0]?.body);
    expect([...receiver.faults, ...receiver.signatureFaults()]).toEqual([]);
  });

  it('the raw mail can be had as its server gave it', async () => {
    const server = await imapServer();
    await webhook();
    await addAccount('ana', 'imap', server.port);
    const mail = smallMail('raw', 200_000);
    server.mailbox('ana').add(mail);
    await poll();
    const [message] = await messages();
    const { stdout } = await stack.run(['messages', 'raw', message?.id ?? '']);
    expect(Buffer.from(stdout).equals(mail)).toBe(true);
  });

  it('dispatch shows the secret and tests the webhook, which admin itself could not', async () => {
    const receiver = await webhook();
    expect(await stack.json(['webhooks', 'secret', 'hook'])).toMatchObject({ secret: receiver.secret });
    expect(await stack.json(['webhooks', 'test', 'hook'])).toMatchObject({
      status: 200,
      outcome: 'delivered',
    });
    expect([...receiver.faults, ...receiver.signatureFaults()]).toEqual([]);
  });

  it('fifty mails in two mailboxes all arrive, each once', async () => {
    const [imap, pop3, receiver] = [await imapServer(), await pop3Server(), await webhook()];
    await addAccount('ana', 'imap', imap.port);
    await addAccount('ben', 'pop3', pop3.port);
    for (let number = 0; number < 25; number += 1) {
      imap.mailbox('ana').add(smallMail(`imap ${number}`));
      pop3.add('ben', smallMail(`pop3 ${number}`));
    }
    const { accounts } = await poll();
    expect(accounts.map(({ committed }) => committed)).toEqual([25, 25]);
    await receiver.whenAccepted(50);
    expect(new Set(subjects(receiver)).size).toBe(50);
    expect(receiver.requests).toHaveLength(50);
  });
});
