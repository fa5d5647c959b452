import { describe, expect, it } from 'vitest';
import { answer, bodyRow, listRow, loggedIn, looked, opened } from './imap-script.ts';
import { cleanUpAfterEach } from './imap-support.ts';
import { connected, selected } from './imapflow-client.ts';

cleanUpAfterEach();

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
      [
        ...loggedIn(),
        ...looked(),
        ...opened(),
        { expect: /FETCH/, send: ['* 1 FETCH (UID 1 BODY[] {2000}\r\n'] },
      ],
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
