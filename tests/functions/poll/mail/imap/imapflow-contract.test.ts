import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { ImapFlow } from 'imapflow';
import { describe, expect, it } from 'vitest';
import { answer, loggedIn, looked, opened } from './imap-script.ts';
import { cleanUpAfterEach, scripted } from './imap-support.ts';
import { connected, selected } from './imapflow-client.ts';

/*
 * What functions/poll/mail/imap leans on in imapflow, some of it not documented. A test that goes red here after an update
 * tells which part of that folder to look at again.
 */

cleanUpAfterEach();

it('is the version that all of this was found out about', () => {
  const manifest = readFileSync(new URL('../../../../../package.json', import.meta.url), 'utf8');
  expect(ImapFlow.version).toBe('2.10.2');
  expect(JSON.parse(manifest)).toMatchObject({ dependencies: { imapflow: '2.10.2' } });
});

describe('failure is `false`, with the reason in a warning', () => {
  it.each([
    ['STORE', (client: ImapFlow) => client.messageFlagsAdd('1', ['\\Seen'], { uid: true })],
    ['COPY', (client: ImapFlow) => client.messageCopy('1', 'Done', { uid: true })],
    ['MOVE', (client: ImapFlow) => client.messageMove('1', 'Done', { uid: true })],
    ['SEARCH', (client: ImapFlow) => client.search({ uid: '1' }, { uid: true })],
  ])('of %s', async (command, act) => {
    const { client, warnings } = await selected(
      [answer(`UID ${command} .*`, [], 'NO [OVERQUOTA] Full up')],
      'MOVE UIDPLUS',
    );

    expect(await act(client)).toBe(false);
    expect(warnings.at(-1)?.err).toMatchObject({
      responseStatus: 'NO',
      serverResponseCode: 'OVERQUOTA',
      responseText: 'Full up',
    });
  });

  it('of STORE also when the connection drops', async () => {
    const { client } = await selected([{ expect: /STORE/ }, { end: 'fin' }]);

    expect(await client.messageFlagsAdd('1', ['\\Seen'], { uid: true })).toBe(false);
  });

  it('of a flag that is not permitted without a word to the server', async () => {
    const { client, received } = await selected([], '', { more: ['* OK [PERMANENTFLAGS (\\Seen)] Few'] });

    expect(await client.messageFlagsAdd('1', ['$Done'], { uid: true })).toBe(false);
    expect(received().at(-1)).toContain('SELECT');
  });
});

it('STORE of a UID that does not exist is `true`', async () => {
  const { client } = await selected([answer('UID STORE 99 .*')]);

  expect(await client.messageFlagsAdd('99', ['\\Seen'], { uid: true })).toBe(true);
});

it('messageDelete() is STORE and UID EXPUNGE with UIDPLUS, and a plain EXPUNGE without', async () => {
  const withIt = await selected([answer('UID STORE .*'), answer('UID EXPUNGE 1')], 'UIDPLUS');
  const without = await selected([answer('UID STORE .*'), answer('EXPUNGE')]);

  expect(await withIt.client.messageDelete('1', { uid: true })).toBe(true);
  expect(await without.client.messageDelete('1', { uid: true })).toBe(true);
});

it('MOVE and COPY tell what went where, and nothing when the server does not', async () => {
  const { client } = await selected(
    [
      answer('UID MOVE .*', ['* OK [COPYUID 5 1:2 11:12] Moved', '* 1 EXPUNGE', '* 1 EXPUNGE']),
      answer('UID COPY .*', [], 'OK [COPYUID 5 3 13] Copied'),
      answer('UID COPY .*'),
    ],
    'MOVE UIDPLUS',
  );

  const moved = await client.messageMove('1:2', 'Done', { uid: true });
  const copied = await client.messageCopy('3', 'Done', { uid: true });
  const untold = await client.messageCopy('4', 'Done', { uid: true });

  expect(moved).toMatchObject({
    uidMap: new Map([
      [1, 11],
      [2, 12],
    ]),
  });
  expect(copied).toMatchObject({ uidMap: new Map([[3, 13]]) });
  expect(untold).toEqual({ path: 'INBOX', destination: 'Done' });
});

it('a mailbox in its map of folders is opened without asking about it first', async () => {
  const { client, received } = await connected([...loggedIn(), ...opened()]);
  if (!('folders' in client && client.folders instanceof Map)) throw new Error('There is no map of folders');
  client.folders.set('INBOX', { path: 'INBOX' });

  expect(await client.mailboxOpen('INBOX')).toMatchObject({ path: 'INBOX', exists: 3 });
  expect(received().at(-1)).toContain('SELECT INBOX');
});

it('a mailbox that is not there is told apart from one that will not open', async () => {
  const lookAndFail = [
    answer('LIST .*'),
    answer('LSUB .*'),
    answer('SELECT .*', [], 'NO No'),
    answer('LIST .*'),
  ];
  const { client } = await connected([...loggedIn(), ...lookAndFail]);

  await expect(client.mailboxOpen('Nowhere')).rejects.toMatchObject({
    mailboxMissing: true,
    responseStatus: 'NO',
  });
});

it('numbers that the server leaves out are undefined', async () => {
  const { client } = await connected([
    ...loggedIn(),
    ...looked(),
    ...opened({ uidNext: null, uidValidity: null, exists: null }),
  ]);

  const mailbox = await client.mailboxOpen('INBOX');

  expect([mailbox.uidNext, mailbox.uidValidity, mailbox.exists]).toEqual([undefined, undefined, undefined]);
});

it('the transport option opens the socket, and connectedAt tells whether it opened', async () => {
  const server = await scripted(loggedIn());
  let opens = 0;
  const client = new ImapFlow({
    host: 'mail.example.com',
    port: 993,
    secure: false,
    doSTARTTLS: false,
    auth: { user: 'ana', pass: 's3cret' },
    logger: false,
    transport: {
      connect: (_options, onConnect) => {
        opens += 1;
        return connect({ host: '127.0.0.1', port: server.port }, onConnect);
      },
    },
  });
  expect(client.connectedAt).toBe(null);

  await client.connect();

  expect(opens).toBe(1);
  expect(client.connectedAt).toEqual(expect.any(Number));
  client.close();
});

it('without doSTARTTLS the password would go out in the clear when STARTTLS is not offered', async () => {
  const { received } = await connected(loggedIn(), { doSTARTTLS: undefined });

  expect(received().join()).toContain('s3cret');
});
