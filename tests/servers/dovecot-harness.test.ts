import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect as connectTls } from 'node:tls';
import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Dovecot, startDovecot } from '../support/dovecot.ts';
import { dovecotVersion } from '../support/dovecot-process.ts';

let dovecot: Dovecot;

beforeAll(async () => {
  dovecot = await startDovecot({
    users: { ana: { password: 'secret' }, ben: { password: 'other' }, eva: { password: 'third' } },
  });
});

afterAll(() => dovecot.stop());

it.each(['tls', 'starttls', 'none'] as const)(
  'a delivered mail is read by IMAP with %s',
  async (security) => {
    const mailbox = `Read-${security}`;
    await dovecot.deliver('ana', mailOf('one'), mailbox, new Date('2020-02-03T04:05:06Z'));
    await withImap(dovecot, 'ana', 'secret', security, async (client) => {
      await client.mailboxOpen(mailbox);
      const message = await client.fetchOne('1', { source: true, internalDate: true });
      if (message === false) throw new Error('the server has no message');
      expect(message.source?.toString('latin1')).toBe(mailOf('one').toString('latin1'));
      expect(new Date(message.internalDate ?? 0).toISOString()).toBe('2020-02-03T04:05:06.000Z');
    });
  },
);

it.each(['pop3', 'pop3s'] as const)('mails keep the order of their delivery in %s', async (listener) => {
  if (dovecot.messages('ben').length === 0) {
    await dovecot.deliverAll('ben', ['first', 'second', 'third'].map(mailOf));
  }
  const lines = await pop3Session(listener, ['USER ben', 'PASS other', 'STAT', 'RETR 1', 'RETR 3', 'QUIT']);
  expect(lines).toContain(`+OK 3 ${['first', 'second', 'third'].map(mailOf).join('').length}`);
  const subjects = lines.filter((line) => line.startsWith('Subject'));
  expect(subjects).toEqual(['Subject: first', 'Subject: third']);
});

it('messages and mailboxes on disk show what a client did', async () => {
  await dovecot.deliverAll('eva', ['kept', 'moved'].map(mailOf));
  await withImap(dovecot, 'eva', 'third', 'none', async (client) => {
    await client.mailboxCreate('Done/2026 é');
    await client.mailboxOpen('INBOX');
    await client.messageFlagsAdd('1', ['\\Seen', '\\Flagged', 'mailhook']);
    await client.messageMove('2', 'Done/2026 é');
  });
  expect(dovecot.mailboxes('eva')).toEqual(['INBOX', 'Done/2026 é']);
  expect(dovecot.messages('eva').map(({ flags, bytes }) => ({ flags: [...flags].sort(), bytes }))).toEqual([
    { flags: ['\\Flagged', '\\Seen', 'mailhook'], bytes: mailOf('kept') },
  ]);
  expect(dovecot.messages('eva', 'Done/2026 é').map(({ bytes }) => bytes)).toEqual([mailOf('moved')]);
});

it('a mailbox whose UIDs are forgotten comes back with another UIDVALIDITY', async () => {
  await dovecot.deliver('ana', mailOf('any'), 'Forgotten');
  const before = await uidValidity('Forgotten');
  expect(await uidValidity('Forgotten')).toBe(before);
  dovecot.resetUidValidity('ana', 'Forgotten');
  expect(await uidValidity('Forgotten')).not.toBe(before);
});

it('a restart after a kill keeps ports and mail and ends the sessions', async () => {
  const own = await startDovecot();
  try {
    await own.deliver('ana', mailOf('kept'));
    const session = connect({ host: own.host, port: own.ports.imap });
    await once(session, 'data');
    const ended = once(session, 'close');
    await own.kill();
    await ended;
    await own.restart();
    await withImap(own, 'ana', 'secret', 'tls', async (client) => {
      expect((await client.mailboxOpen('INBOX')).exists).toBe(1);
    });
  } finally {
    await own.stop();
  }
});

it('a server whose test process is killed ends and leaves nothing behind', async () => {
  const script = `
    import { startDovecot } from ${JSON.stringify(new URL('../support/dovecot.ts', import.meta.url).href)};
    const dovecot = await startDovecot();
    console.log(JSON.stringify({ port: dovecot.ports.imap, folder: dovecot.folder }));
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  const { value } = await lines.next();
  const { port, folder } = JSON.parse(value ?? '{}');
  const session = connect({ host: '127.0.0.1', port });
  await once(session, 'data');
  child.kill('SIGKILL');
  await once(session, 'close');
  await expect.poll(() => existsSync(folder), { timeout: 10_000 }).toBe(false);
});

it('a machine without Dovecot is told what to install', async () => {
  await expect(dovecotVersion('dovecot-that-is-not-there')).rejects.toThrow(
    'Dovecot is not installed: apt-get install dovecot-imapd dovecot-pop3d',
  );
});

it('a Dovecot with another form of configuration is refused by its version', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mailhook-version-'));
  const command = join(folder, 'dovecot');
  writeFileSync(command, '#!/bin/sh\necho "2.4.1-4 (7d8c0e5759)"\n');
  chmodSync(command, 0o755);
  try {
    await expect(dovecotVersion(command)).rejects.toThrow('Cannot use Dovecot "2.4.1-4 (7d8c0e5759)"');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('a configuration that is wrong is reported with what the server said', async () => {
  await expect(startDovecot({ settings: 'no_such_setting = yes' })).rejects.toThrow(
    /Cannot start Dovecot: it ended\n.*Unknown setting: no_such_setting/s,
  );
});

function mailOf(subject: string): Buffer {
  return Buffer.from(`Subject: ${subject}\r\n\r\n..dots\r\n.\r\n\xe9 bytes\r\n`, 'latin1');
}

async function uidValidity(mailbox: string): Promise<bigint> {
  let value = 0n;
  await withImap(dovecot, 'ana', 'secret', 'none', async (client) => {
    value = (await client.mailboxOpen(mailbox)).uidValidity;
  });
  return value;
}

async function withImap(
  server: Dovecot,
  user: string,
  pass: string,
  security: 'tls' | 'starttls' | 'none',
  act: (client: ImapFlow) => Promise<void>,
): Promise<void> {
  const client = new ImapFlow({
    host: 'localhost',
    port: security === 'tls' ? server.ports.imaps : server.ports.imap,
    secure: security === 'tls',
    doSTARTTLS: security === 'starttls',
    auth: { user, pass },
    tls: { ca: server.caPem },
    logger: false,
  });
  await client.connect();
  try {
    await act(client);
  } finally {
    await client.logout();
  }
}

/** Sends all commands at once and resolves to every line of the answers, read until the server closes. */
async function pop3Session(listener: 'pop3' | 'pop3s', commands: readonly string[]): Promise<string[]> {
  const target = { host: 'localhost', port: dovecot.ports[listener] };
  const socket = listener === 'pop3' ? connect(target) : connectTls({ ...target, ca: dovecot.caPem });
  socket.setEncoding('latin1').write(commands.map((command) => `${command}\r\n`).join(''));
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text.split('\r\n');
}
