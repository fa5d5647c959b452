import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ImapFlow } from 'imapflow';
import { afterEach, describe, expect, it } from 'vitest';
import { type ImapServer, type ImapServerOptions, startImapServer } from '../../../local/demo/imap-server.ts';
import { caSigned } from '../../support/tls-certificate.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const MAIL = Buffer.from(
  'From: a@example.com\r\nSubject: caf\xe9\r\nTo: b@example.com\r\n\r\nBody \xff\r\n',
  'latin1',
);

async function served(options: Partial<ImapServerOptions> = {}): Promise<ImapServer> {
  const server = await startImapServer({ users: { ana: { password: 's3cret', mails: [MAIL] } }, ...options });
  cleanups.push(() => server.close());
  return server;
}

/** A client that types lines and reads what comes until a pattern, one character for each byte. */
class Typist {
  readonly #socket: Socket;
  #text = '';
  #wake: () => void = () => undefined;

  constructor(port: number) {
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.#socket.on('data', (bytes) => {
      this.#text += bytes.toString('latin1');
      this.#wake();
    });
    cleanups.push(() => this.#socket.destroy());
  }

  type(text: string | Uint8Array): void {
    this.#socket.write(text);
  }

  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.#text);
      if (match !== null) {
        const end = match.index + match[0].length;
        const read = this.#text.slice(0, end);
        this.#text = this.#text.slice(end);
        return read;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Types a command and reads up to its completion. */
  async say(command: string): Promise<string> {
    this.type(`T ${command}\r\n`);
    return await this.until(/^T (OK|NO|BAD).*\r\n/m);
  }

  async ended(): Promise<void> {
    if (!this.#socket.closed) await once(this.#socket, 'close');
  }
}

async function typist(server: ImapServer): Promise<Typist> {
  const client = new Typist(server.port);
  await client.until(/^\* OK .*\r\n/m);
  return client;
}

async function loggedIn(server: ImapServer): Promise<Typist> {
  const client = await typist(server);
  await client.say('LOGIN ana s3cret');
  return client;
}

describe('logging in', () => {
  it('takes LOGIN with words, quoted strings and both kinds of literals', async () => {
    const server = await served({ users: { 'a b': { password: 'q"\\ü' } } });

    expect(await (await typist(server)).say('LOGIN "a b" "q\\"\\\\ü"')).toMatch(/^T OK/);
    const waiting = await typist(server);
    waiting.type('T LOGIN {3}\r\n');
    await waiting.until(/^\+ .*\r\n/m);
    waiting.type('a b "q\\"\\\\ü"\r\n');
    expect(await waiting.until(/^T .*\r\n/m)).toMatch(/^T OK/);
    const bold = await typist(server);
    bold.type('T LOGIN {3+}\r\na b {5+}\r\nq"\\ü\r\n');
    expect(await bold.until(/^T .*\r\n/m)).toMatch(/^T OK/);
  });

  it('takes AUTHENTICATE PLAIN with and without an initial response', async () => {
    const server = await served();
    const secret = Buffer.from('\0ana\0s3cret').toString('base64');

    expect(await (await typist(server)).say(`AUTHENTICATE PLAIN ${secret}`)).toMatch(/^T OK/);
    const client = await typist(server);
    client.type('T AUTHENTICATE PLAIN\r\n');
    await client.until(/^\+ \r\n/m);
    client.type(`${secret}\r\n`);
    expect(await client.until(/^T .*\r\n/m)).toMatch(/^T OK/);
  });

  it.each(['LOGIN ana wrong', 'LOGIN bob s3cret'])('refuses %s', async (command) => {
    expect(await (await typist(await served())).say(command)).toMatch(/^T NO \[AUTHENTICATIONFAILED\]/);
  });

  it('comes before everything else', async () => {
    expect(await (await typist(await served())).say('SELECT INBOX')).toMatch(/^T BAD/);
  });
});

describe('what a client sends', () => {
  it('is understood byte by byte', async () => {
    const client = await typist(await served());
    for (const byte of Buffer.from('T LOGIN {3}\r\nana s3cret\r\nT2 SELECT INBOX\r\n')) {
      client.type(Uint8Array.of(byte));
      await new Promise(setImmediate);
    }

    expect(await client.until(/^T2 .*\r\n/m)).toContain('* 1 EXISTS');
  });

  it.each([
    'FETCH 1 (FLAGS',
    'FETCH 1 FLAGS)',
    'NOSUCH',
    'LOGIN "open',
    'FETCH x FLAGS',
    'FETCH 1 ENVELOPE',
    'SEARCH MAYBE',
  ])('is answered BAD when it is %s, and the session goes on', async (command) => {
    const client = await loggedIn(await served());
    await client.say('SELECT INBOX');

    expect(await client.say(command)).toMatch(/^T BAD/m);
    expect(await client.say('NOOP')).toMatch(/^T OK/m);
  });

  it.each([
    ['a line without end', 'x'.repeat(70_000)],
    ['a literal of 2 GB', 'T LOGIN {2000000000}\r\n'],
  ])('that is %s ends the session', async (_, text) => {
    const client = await typist(await served());
    client.type(text);

    expect(await client.until(/^\* BYE .*\r\n/m)).toContain('too l');
    await client.ended();
  });
});

describe('messages', () => {
  it('are fetched with their bytes as they are, in whole and in part', async () => {
    const client = await loggedIn(await served());
    await client.say('SELECT INBOX');

    const whole = await client.say('FETCH 1 (UID RFC822.SIZE BODY.PEEK[])');
    const part = await client.say('UID FETCH 1 BODY.PEEK[TEXT]<2.3>');
    const fields = await client.say('UID FETCH 1 (BODY.PEEK[HEADER.FIELDS (to subject)])');

    expect(whole).toContain(
      `UID 1 RFC822.SIZE ${MAIL.length} BODY[] {${MAIL.length}}\r\n${MAIL.toString('latin1')})`,
    );
    expect(part).toContain('UID 1 BODY[TEXT]<2> {3}\r\ndy )');
    expect(fields).toContain('Subject: caf\xe9\r\nTo: b@example.com\r\n\r\n)');
  });

  it('are read when their body is fetched, and not when it is peeked at', async () => {
    const server = await served();
    const client = await loggedIn(server);
    await client.say('SELECT INBOX');
    const seen = () => [...(server.mailbox('ana').mail(1)?.flags ?? [])];

    await client.say('FETCH 1 BODY.PEEK[]');
    expect(seen()).toEqual([]);
    await client.say('FETCH 1 BODY[TEXT]');
    expect(seen()).toEqual(['\\Seen']);
  });

  it('that arrive or go are told at the next command, by number only when the numbers may change', async () => {
    const server = await served();
    const client = await loggedIn(server);
    await client.say('SELECT INBOX');
    server.mailbox('ana').add(MAIL);
    server.mailbox('ana').remove([1]);

    expect(await client.say('SEARCH ALL')).not.toContain('EXPUNGE');
    expect(await client.say('NOOP')).toContain('* 1 EXPUNGE');
    expect(await client.say('FETCH 1 (UID)')).toContain('* 1 FETCH (UID 2)');
  });

  it('are found by what SEARCH asks for', async () => {
    const server = await served();
    const inbox = server.mailbox('ana');
    inbox.add(Buffer.from('Subject: Two\r\n\r\nx'), {
      flags: ['\\Seen', '$Work'],
      receivedAt: new Date('2020-02-03T04:05:06Z'),
    });
    const client = await loggedIn(server);
    await client.say('SELECT INBOX');

    for (const [criteria, found] of [
      ['ALL', ' 1 2'],
      ['UNSEEN', ' 1'],
      ['KEYWORD $work', ' 2'],
      ['NOT KEYWORD $work', ' 1'],
      ['OR SEEN FROM a@example', ' 1 2'],
      ['HEADER subject "two"', ' 2'],
      ['UID 2:* UNDELETED', ' 2'],
      ['UID 9:*', ' 2'],
      ['BEFORE 4-Feb-2020 SINCE 3-Feb-2020', ' 2'],
      ['(SMALLER 20) LARGER 10', ' 2'],
      ['CHARSET UTF-8 SUBJECT nothing', ''],
    ]) {
      expect(await client.say(`UID SEARCH ${criteria}`)).toContain(`* SEARCH${found}\r\n`);
    }
  });

  it('are changed, copied, appended and expunged by an ordinary client', async () => {
    const server = await served();
    const client = new ImapFlow({
      host: '127.0.0.1',
      port: server.port,
      secure: false,
      auth: { user: 'ana', pass: 's3cret' },
      logger: false,
    });
    await client.connect();
    await client.mailboxCreate('Entwürfe & mehr');
    await client.append('Entwürfe & mehr', MAIL, ['\\Draft'], new Date('2026-01-02T03:04:05Z'));
    await client.mailboxOpen('INBOX');
    await client.messageFlagsAdd('1', ['\\Flagged', '$Own']);
    await client.messageFlagsRemove('1', ['\\Flagged']);
    await client.messageCopy('1', 'Entwürfe & mehr');
    await client.messageDelete('1', { uid: true });
    await client.logout();

    const copies = server.mailbox('ana', 'Entwürfe & mehr').mails;
    expect(copies.map(({ raw, flags }) => [raw.equals(MAIL), [...flags]])).toEqual([
      [true, ['\\Draft']],
      [true, ['$Own']],
    ]);
    expect(copies[0]?.receivedAt.toISOString()).toBe('2026-01-02T03:04:05.000Z');
    expect(server.mailbox('ana').mails).toEqual([]);
  });
});

describe('TLS', () => {
  it('is begun by STARTTLS, and what was typed before it in the clear does not count', async () => {
    const server = await served({ tls: caSigned });
    const client = await typist(server);
    client.type('T STARTTLS\r\nT LOGIN ana s3cret\r\n');

    expect(await client.until(/^T .*\r\n/m)).toMatch(/^T OK/);
    // The next bytes belong to the handshake; no answer to LOGIN comes in the clear.
    client.type('no hello\r\n');
    await client.ended();
  });
});

describe('the owner of the server', () => {
  it('waits for what a client does', async () => {
    const server = await served();
    const client = await loggedIn(server);
    await client.say('SELECT INBOX');
    const read = server
      .account('ana')
      .until(() => server.mailbox('ana').mail(1)?.flags.has('\\Seen') ?? false);

    client.type('T STORE 1 +FLAGS (\\Seen)\r\n');

    await read;
  });

  it('hears of a mistake in the names it uses', async () => {
    const server = await served();

    expect(() => server.account('bob')).toThrow('no user "bob"');
    expect(() => server.mailbox('ana', 'Nowhere')).toThrow('no mailbox "Nowhere"');
  });
});
