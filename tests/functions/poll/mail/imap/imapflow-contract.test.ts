import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { ImapFlow, type ImapFlowOptions } from 'imapflow';
import { afterEach, describe, expect, it } from 'vitest';
import type { Step } from '../../../../support/scripted-server.ts';
import { answer, bodyRow, cleanUpAfterEach, listRow, loggedIn, opened, scripted } from './imap-support.ts';

/*
 * What functions/poll/mail/imap leans on in imapflow, some of it not documented. A test that goes red here after an update
 * tells which part of that folder to look at again.
 */

cleanUpAfterEach();

const clients: ImapFlow[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

interface Warning {
  readonly err?: Error & Record<string, unknown>;
}

/** A connected client, and what it told its logger as warnings. */
async function connected(
  steps: readonly Step[],
  options: ImapFlowOptions = {},
): Promise<{ client: ImapFlow; warnings: Warning[]; received: () => readonly string[] }> {
  const server = await scripted(steps);
  const warnings: Warning[] = [];
  const ignore = () => undefined;
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: server.port,
    secure: false,
    doSTARTTLS: false,
    disableAutoIdle: true,
    auth: { user: 'ana', pass: 's3cret' },
    logger: { debug: ignore, info: ignore, error: ignore, warn: (entry: Warning) => warnings.push(entry) },
    ...options,
  });
  client.on('error', ignore);
  clients.push(client);
  await client.connect();
  return { client, warnings, received: () => server.received };
}

async function selected(steps: readonly Step[], capabilities = '', box: Parameters<typeof opened>[0] = {}) {
  const session = await connected([...loggedIn(capabilities), ...opened(box), ...steps]);
  await session.client.mailboxOpen('INBOX');
  return session;
}

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

describe('FETCH', () => {
  it('asks with BODY.PEEK, parts and header sections included', async () => {
    const { client, received } = await selected([
      answer('UID FETCH .*', [bodyRow(1, 'one')]),
      answer('UID FETCH .*', ['* 1 FETCH (UID 1 BODY[HEADER]<0> {4}\r\nA: b)']),
    ]);

    const bodies = await client.fetchAll(
      '1',
      { uid: true, source: { start: 0, maxLength: 9 } },
      { uid: true },
    );
    const query = { uid: true, bodyParts: [{ key: 'HEADER', start: 0, maxLength: 9 }] };
    const heads = await client.fetchAll('1', query, { uid: true });

    expect(
      received()
        .slice(-2)
        .map((line) => line.replace(/^\w+ /, '')),
    ).toEqual(['UID FETCH 1 (UID BODY.PEEK[]<0.9>)', 'UID FETCH 1 (UID BODY.PEEK[HEADER]<0.9>)']);
    expect(bodies[0]?.source?.toString()).toBe('one');
    expect(heads[0]?.headers?.toString()).toBe('A: b');
  });

  it('yields rows that nobody asked for', async () => {
    const { client } = await selected([
      answer('UID FETCH .*', ['* 2 FETCH (FLAGS (\\Seen))', bodyRow(1, 'one')]),
    ]);

    const rows = await client.fetchAll('1', { uid: true, source: true }, { uid: true });

    expect(rows.map(({ uid }) => uid)).toEqual([undefined, 1]);
  });

  it('takes "no longer exist" for success', async () => {
    const gone = 'NO [EXPUNGEISSUED] Some of the requested messages no longer exist';
    const { client } = await selected([answer('UID FETCH .*', [bodyRow(1, 'one')], gone)]);

    expect(await client.fetchAll('1:2', { uid: true, source: true }, { uid: true })).toHaveLength(1);
  });

  it('raises the UIDNEXT of the open mailbox as rows go by', async () => {
    const { client } = await selected([answer('UID FETCH .*', [listRow(50)])]);
    const mailbox = client.mailbox;

    await client.fetchAll('1:*', { uid: true }, { uid: true });

    expect(mailbox).toMatchObject({ uidNext: 51 });
  });

  it('that is refused throws with the answer in the error', async () => {
    const { client } = await selected([answer('UID FETCH .*', [], 'NO [SERVERBUG] Broken')]);

    await expect(client.fetchAll('1', { uid: true }, { uid: true })).rejects.toMatchObject({
      responseStatus: 'NO',
      responseText: 'Broken',
      response: {
        attributes: expect.arrayContaining([
          expect.objectContaining({ section: [{ type: 'ATOM', value: 'SERVERBUG' }] }),
        ]),
      },
    });
  });

  it('may be left early', async () => {
    const { client } = await selected([answer('UID FETCH .*', [listRow(1), listRow(2)]), answer('NOOP')]);

    for await (const row of client.fetch('1:2', { uid: true }, { uid: true })) {
      expect(row.uid).toBe(1);
      break;
    }

    await client.noop();
  });
});

it('throttling is told to the logger before it is waited out, and close() ends the wait', async () => {
  const throttled = 'BAD Request is throttled. Suggested Backoff Time: 60000 milliseconds';
  const { client, warnings } = await selected([answer('UID FETCH .*', [], throttled)]);
  const fetching = client.fetchAll('1', { uid: true }, { uid: true });
  fetching.catch(() => undefined);
  const noticed = () => warnings.some(({ err }) => err?.code === 'ETHROTTLE');
  while (!noticed()) await new Promise(setImmediate);

  client.close();

  await expect(fetching).rejects.toMatchObject({ code: 'NoConnection' });
  expect(warnings.find(({ err }) => err?.code === 'ETHROTTLE')?.err).toMatchObject({ throttleReset: 60_000 });
});

describe('the end of a connection', () => {
  it('raises `close`, with the words of BYE', async () => {
    const { client } = await selected([answer('UID FETCH .*', ['* BYE Enough'], null), { end: 'fin' }]);
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));

    const fetching = client.fetchAll('1', { uid: true }, { uid: true });

    await expect(fetching).rejects.toMatchObject({ code: 'NoConnection', reason: 'Enough' });
    await closed;
    expect(client.byeReason).toBe('Enough');
  });

  it('raises `error` before `close` when a literal is larger than allowed', async () => {
    const { client } = await connected(
      [...loggedIn(), ...opened(), { expect: /FETCH/, send: ['* 1 FETCH (UID 1 BODY[] {2000}\r\n'] }],
      { maxLiteralSize: 1000 },
    );
    await client.mailboxOpen('INBOX');
    const events: string[] = [];
    client.on('error', (error) => events.push(`error ${'code' in error ? error.code : ''}`));
    const closed = new Promise<void>((resolve) =>
      client.on('close', () => resolve(void events.push('close'))),
    );

    await expect(client.fetchAll('1', { uid: true }, { uid: true })).rejects.toThrow();
    await closed;
    expect(events).toEqual(['error LiteralTooLarge', 'close']);
  });

  it('makes close() reject the command in flight at once', async () => {
    const { client } = await selected([{ expect: /FETCH/ }]);
    const waiting = client.fetchAll('1', { uid: true }, { uid: true });
    waiting.catch(() => undefined);

    client.close();

    await expect(waiting).rejects.toMatchObject({ code: 'NoConnection' });
  });
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
  clients.push(client);
  expect(client.connectedAt).toBe(null);

  await client.connect();

  expect(opens).toBe(1);
  expect(client.connectedAt).toEqual(expect.any(Number));
});

it('without doSTARTTLS the password would go out in the clear when STARTTLS is not offered', async () => {
  const { received } = await connected(loggedIn(), { doSTARTTLS: undefined });

  expect(received().join()).toContain('s3cret');
});
