import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { openPop3Source } from '../../../functions/poll/mail/pop3/pop3-source.ts';
import { type Pop3Server, type Pop3ServerOptions, startPop3Server } from '../../../local/demo/pop3-server.ts';
import type { Egress } from '../../../shared/egress/egress.ts';
import type { Listed, MailLogin, MailSource } from '../../../shared/ports/mail-source.ts';
import { selfSigned } from '../../support/tls-certificate.ts';

const MAIL = Buffer.from('Subject: one\r\n\r\nfirst\r\n');
const OTHER = Buffer.from('Subject: two\r\n\r\n.leading dot\r\nsecond\r\n');
const loopback: Egress = {
  checkUrl: (url) => new URL(url),
  checkHost: () => undefined,
  resolve: async () => [{ address: '127.0.0.1', family: 4 }],
  lookup: (_host, _options, done) => done(null, '127.0.0.1', 4),
};

const servers: Pop3Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(
  mails: readonly Uint8Array[],
  options: Partial<Pop3ServerOptions> = {},
): Promise<Pop3Server> {
  const server = await startPop3Server({ users: { ana: { password: 'secret', mails } }, ...options });
  servers.push(server);
  return server;
}

function open(server: Pop3Server, change: Partial<MailLogin> = {}): Promise<MailSource> {
  const login: MailLogin = {
    protocol: 'pop3',
    host: 'localhost',
    port: server.port,
    security: 'none',
    username: 'ana',
    password: 'secret',
    caPem: selfSigned.caPem,
    tlsAllowInvalidCertificate: false,
    readOnly: false,
    ...change,
  };
  return openPop3Source(loopback)(login, new AbortController().signal);
}

async function bodies(source: MailSource, items: readonly Listed[]): Promise<string[]> {
  const texts: string[] = [];
  for await (const fetched of source.fetch(items, { maxSizeBytes: 10_000_000 })) {
    texts.push(fetched.kind === 'raw' ? fetched.bytes.toString('latin1') : fetched.kind);
  }
  return texts;
}

function deletionOf(item: Listed) {
  return { key: 'k', source: item.source, action: { kind: 'delete' } } as const;
}

describe('the POP3 server of the demo', () => {
  it.each([
    ['plain', {}, {}],
    ['without pipelining', { pipelining: false }, {}],
    ['by STLS', { tls: selfSigned }, { security: 'starttls' }],
    ['by TLS', { tls: selfSigned, implicitTls: true }, { security: 'tls' }],
  ] as const)('gives its mails byte for byte (%s)', async (_how, options, login) => {
    const server = await serve([MAIL, OTHER], options);
    const source = await open(server, login);
    const { items } = await source.list('', null);
    expect(await bodies(source, items)).toEqual([MAIL.toString(), OTHER.toString()]);
    expect(await source.close('commit')).toBe('ok');
  });

  it('gives any mail byte for byte', async () => {
    const octet = fc.constantFrom(0x2e, 0x0d, 0x0a, 0x61, 0xe9, 0x00);
    const mails = fc
      .sample(fc.array(octet, { minLength: 1, maxLength: 40 }), 300)
      .map((mail) => Buffer.from(mail));
    const server = await serve(mails);
    const source = await open(server);
    const { items } = await source.list('', null);
    const whole = mails
      .map((mail) => mail.toString('latin1'))
      .map((mail) => (mail.endsWith('\r\n') ? mail : `${mail}\r\n`));
    expect(await bodies(source, items)).toEqual(whole);
    await source.close('abort');
  });

  it('gives 1,000 mails whose sizes meet every TLS record boundary byte for byte', async () => {
    const text = '.line of text\r\n'.repeat(1_500);
    const mails = Array.from({ length: 1_000 }, (_, index) =>
      Buffer.from(`${`Subject: ${index}\r\n\r\n${text}`.slice(0, 20_000 + index)}\r\n`),
    );
    const server = await serve(mails, { tls: selfSigned, implicitTls: true });
    const source = await open(server, { security: 'tls' });
    const { items } = await source.list('', null);
    const digest = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');
    expect((await bodies(source, items)).map(digest)).toEqual(mails.map(digest));
    await source.close('abort');
  });

  it('deletes at QUIT, tells the watcher, and keeps UIDLs while the numbers change', async () => {
    const server = await serve([MAIL, OTHER]);
    const ended = server.nextSession('ana');
    const source = await open(server);
    const { items } = await source.list('', null);
    const [first, second] = items;
    if (!first || !second) throw new Error('two mails are there');
    await bodies(source, [first]);
    await source.settle([deletionOf(first)]);
    expect(server.mails('ana')).toHaveLength(2);
    expect(await source.close('commit')).toBe('ok');
    expect(server.mails('ana').map(({ raw }) => raw)).toEqual([OTHER]);
    const [uidl] = [first].map(({ source: place }) => ('uidl' in place ? place.uidl : ''));
    expect(await ended).toEqual({ retrieved: [uidl], deleted: [uidl], quit: true });
    const later = await open(server);
    expect((await later.list('', null)).items.map((item) => item.source)).toEqual([second.source]);
    await later.close('abort');
  });

  it('deletes nothing when the connection ends without QUIT', async () => {
    const server = await serve([MAIL]);
    const ended = server.nextSession('ana');
    const source = await open(server);
    const [item] = (await source.list('', null)).items;
    if (!item) throw new Error('one mail is there');
    await source.settle([deletionOf(item)]);
    await source.close('abort');
    expect(await ended).toMatchObject({ deleted: [], quit: false });
    expect(server.mails('ana')).toHaveLength(1);
  });

  it('lets one session in at a time', async () => {
    const server = await serve([MAIL]);
    const first = await open(server);
    await expect(open(server)).rejects.toMatchObject({ code: 'busy' });
    await first.close('commit');
    expect(await (await open(server)).close('commit')).toBe('ok');
  });

  it('shows a mail that comes during a session to the next one', async () => {
    const server = await serve([]);
    const source = await open(server);
    server.add('ana', MAIL);
    expect((await source.list('', null)).exists).toBe(0);
    await source.close('commit');
    const next = await open(server);
    expect((await next.list('', null)).exists).toBe(1);
    await next.close('abort');
  });

  it('gives equal mails UIDLs of their own, and none twice', async () => {
    const server = await serve([MAIL]);
    const [first] = server.mails('ana');
    const second = server.add('ana', MAIL);
    expect(second).not.toBe(first?.uidl);
    expect(server.mails('ana')).toHaveLength(2);
  });

  it.each([{ password: 'wrong' }, { username: 'bob' }])(
    'refuses a login with %j as wrong credentials',
    async (change) => {
      const server = await serve([MAIL]);
      await expect(open(server, change)).rejects.toMatchObject({ code: 'auth' });
    },
  );

  it('takes nothing that was sent in plain text behind STLS', async () => {
    const server = await serve([MAIL], { tls: selfSigned });
    const socket = connect(server.port, '127.0.0.1');
    const seen: string[] = [];
    socket.on('data', (bytes) => seen.push(bytes.toString('latin1')));
    socket.write('STLS\r\nUSER ana\r\nPASS secret\r\n');
    socket.end();
    await new Promise((resolve) => socket.on('close', resolve));
    expect(seen.join('')).toMatch(/^\+OK ready\r\n\+OK begin TLS\r\n(?!\+OK)/);
  });

  it('drops a client that sends a line without end', async () => {
    const server = await serve([MAIL]);
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    socket.write('x'.repeat(100_000));
    await new Promise((resolve) => socket.on('close', resolve));
  });
});
