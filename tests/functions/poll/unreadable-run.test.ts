import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_PROBES, MAX_REFUSALS_IN_A_ROW } from '../../../functions/poll/mail/refusals.ts';
import { BadCommandError } from '../../../local/demo/imap/command.ts';
import { type ImapServer, startImapServer } from '../../../local/demo/imap-server.ts';
import { openPollWorld, PASSWORD, type PollWorld, smallMail } from '../../support/poll-world.ts';

const BAD = 300;
const MINUTE_MS = 60_000;

/** A mail server with good and unreadable mails in a row. */
interface SickServer {
  readonly port: number;
  add(mail: Buffer, isReadable: boolean): void;
  /** Whether nothing at all can be read. */
  isDown: boolean;
  /** How often it was asked for a mail. */
  asked: number;
  close(): Promise<void>;
}

let world: PollWorld;
let server: SickServer;

beforeEach(async () => {
  world = await openPollWorld();
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await server.close();
});

/** The demo's server, which cannot read some of its mails. */
async function sickImapServer(): Promise<SickServer> {
  const imap: ImapServer = await startImapServer({ users: { ana: { password: PASSWORD } } });
  const sick: SickServer = {
    port: imap.port,
    add(mail, isReadable) {
      imap.mailbox('ana').add(mail, { receivedAt: world.clock.now() });
      const raw = imap.mailbox('ana').mails.at(-1)?.raw;
      if (raw === undefined) throw new Error('A mail was added');
      const read = raw.subarray.bind(raw);
      raw.subarray = (...range) => {
        sick.asked += 1;
        if (sick.isDown || !isReadable) throw new BadCommandError('The mail cannot be read');
        return read(...range);
      };
    },
    isDown: false,
    asked: 0,
    close: () => imap.close(),
  };
  return sick;
}

/** A POP3 server of a few lines; with TOP and PIPELINING, or with neither. */
async function sickPop3Server(capabilities: string): Promise<SickServer> {
  const mails: { readonly mail: Buffer; readonly isReadable: boolean }[] = [];
  const lists = (of: (mail: Buffer, index: number) => string | number) =>
    ['+OK', ...mails.map(({ mail }, index) => `${index + 1} ${of(mail, index)}`), '.'].join('\r\n');
  const answerTo = (verb: string, number: number): string => {
    const mail = mails[number - 1];
    if (verb === 'CAPA') return `+OK\r\nUIDL\r\n${capabilities}.`;
    if (verb === 'STAT') return `+OK ${mails.length} 1000`;
    if (verb === 'UIDL') return lists((_mail, index) => `uidl-${index}`);
    if (verb === 'LIST') return lists(({ length }) => length);
    if (verb !== 'RETR' && verb !== 'TOP') return '+OK';
    sick.asked += 1;
    return sick.isDown || !mail?.isReadable ? '-ERR the mail cannot be read' : `+OK\r\n${mail.mail}.`;
  };
  const serve = (socket: Socket) => {
    let rest = '';
    socket.write('+OK ready\r\n');
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      const lines = `${rest}${bytes}`.split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [verb = '', number = '0'] = line.split(' ');
        socket.write(`${answerTo(verb, Number(number))}\r\n`);
        if (verb === 'QUIT') socket.end();
      }
    });
  };
  const tcp = createServer(serve).listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const sick: SickServer = {
    port: (tcp.address() as AddressInfo).port,
    add: (mail, isReadable) => void mails.push({ mail, isReadable }),
    isDown: false,
    asked: 0,
    async close() {
      tcp.close();
      await once(tcp, 'close');
    },
  };
  return sick;
}

const SERVERS = [
  { protocol: 'imap', window: 1, open: sickImapServer },
  { protocol: 'pop3', window: 100, open: () => sickPop3Server('TOP\r\nPIPELINING\r\n') },
  { protocol: 'pop3', window: 1, open: () => sickPop3Server('') },
] as const;

const subjects = async () => (await world.messages()).map(({ event }) => event.subject);

describe.each(SERVERS)('$protocol, $window asked for ahead', ({ protocol, window, open }) => {
  beforeEach(async () => {
    server = await open();
  });
  const add = () => world.add({ protocol, port: server.port, username: 'ana' });

  it(`delivers the good mails around ${BAD} unreadable ones in one poll, and waits for these`, async () => {
    const { id } = await add();
    for (let n = 0; n < 3; n++) server.add(smallMail(`before ${n}`), true);
    for (let n = 0; n < BAD; n++) server.add(smallMail(`bad ${n}`), false);
    for (let n = 0; n < 3; n++) server.add(smallMail(`after ${n}`), true);
    const report = await world.poll(id);
    expect(await subjects()).toEqual(
      [0, 1, 2].map((n) => `mail before ${n}`).concat([0, 1, 2].map((n) => `mail after ${n}`)),
    );
    expect(report).toMatchObject({ outcome: 'ok', committed: 6 });
    expect((await world.deps.store.counts()).waitingMessages).toBe(BAD);
  });

  it('delivers what comes behind unreadable mails though these are all that is new', async () => {
    server.add(smallMail('old'), true);
    const { id } = await add();
    for (let n = 0; n < 20; n++) server.add(smallMail(`bad ${n}`), false);
    expect(await world.poll(id)).toMatchObject({ outcome: 'ok', committed: 0 });
    server.add(smallMail('new'), true);
    world.clock.time += MINUTE_MS;
    await world.poll(id);
    expect(await subjects()).toEqual(['mail new']);
  });

  it('asks a server that is down for few mails, lets it rest, and loses nothing', async () => {
    const { id } = await add();
    for (let n = 0; n < BAD; n++) server.add(smallMail(n), true);
    server.isDown = true;
    expect((await world.poll(id))?.outcome).toBe('error');
    expect(server.asked).toBeLessThanOrEqual(MAX_REFUSALS_IN_A_ROW + MAX_PROBES + 2 * window + 1);
    expect((await world.deps.store.counts()).waitingMessages).toBeLessThan(MAX_REFUSALS_IN_A_ROW);
    expect((await world.deps.store.account(id))?.notBefore).not.toBeNull();
    server.isDown = false;
    world.clock.time += 2 * MINUTE_MS;
    await world.poll(id);
    expect((await world.messages()).length).toBe(BAD);
  });
});
