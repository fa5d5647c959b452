import { describe, expect, it } from 'vitest';
import type { Step } from '../../../../support/scripted-server.ts';
import { LIMITS, listed } from './fetch-support.ts';
import { answer, bodyRow, listRow, loggedIn, opened } from './imap-script.ts';
import {
  brief,
  cleanUpAfterEach,
  collect,
  cursor,
  item,
  mailError,
  open,
  scripted,
  uidsOf,
} from './imap-support.ts';

cleanUpAfterEach();

describe('Courier, when the file of a message was removed after the mailbox was opened', () => {
  const HEAD = 'From: System Administrator <root@localhost>\r\nSubject: message unavailable\r\n\r\n';
  const NOTICE = `${HEAD}This message is no longer available on the server.\r\n`;
  const BODY = '\\(UID BODY\\.PEEK\\[\\]<0\\.\\d+>\\)';

  it('gives a notice in its place, which is no message: once it has looked again, the message is gone', async () => {
    const { source, server } = await listed(
      answer(`UID FETCH 1:3 ${BODY}`, [bodyRow(1, 'one'), bodyRow(2, NOTICE), bodyRow(3, 'three')]),
      answer('NOOP', ['* 2 EXPUNGE', '* 2 EXISTS', '* 0 RECENT'], 'OK NOOP completed'),
      answer('UID SEARCH UID 2', ['* SEARCH'], 'OK SEARCH done.'),
    );

    const fetched = await collect(source.fetch([item(1), item(2), item(3)], LIMITS));

    expect(fetched.map(brief)).toEqual(['raw 1 one', 'gone 2', 'raw 3 three']);
    expect(server.received.at(-1)).toMatch(/UID SEARCH/);
  });

  it('gives the notice though the message is there all along: it is asked for another time', async () => {
    const { source } = await listed(
      answer(`UID FETCH 2 ${BODY}`, [bodyRow(2, NOTICE)]),
      answer('NOOP', [], 'OK NOOP completed'),
      answer('UID SEARCH UID 2', ['* SEARCH 2'], 'OK SEARCH done.'),
      answer(`UID FETCH 2 ${BODY}`, [bodyRow(2, NOTICE)]),
    );

    const fetched = await collect(source.fetch([item(2, { sizeBytes: 129 })], LIMITS));

    expect(fetched).toMatchObject([{ kind: 'failed', error: expect.stringContaining('has not got it') }]);
  });

  it('gives the head of the notice for one that is too large', async () => {
    const head = Buffer.from(`* 2 FETCH (UID 2 BODY[HEADER]<0> {${HEAD.length}}\r\n${HEAD})\r\n`);
    const { source } = await listed(
      answer('UID FETCH 2 .*HEADER.*', [head]),
      answer('NOOP', ['* 2 EXPUNGE', '* 2 EXISTS'], 'OK NOOP completed'),
      answer('UID SEARCH UID 2', ['* SEARCH'], 'OK SEARCH done.'),
    );

    const fetched = await collect(source.fetch([item(2, { sizeBytes: 2_000 })], { maxSizeBytes: 1_000 }));

    expect(fetched.map(brief)).toEqual(['gone 2']);
  });

  it('has real mail that only begins like the notice', async () => {
    const { source } = await listed(answer(`UID FETCH 2 ${BODY}`, [bodyRow(2, `${NOTICE}And more.\r\n`)]));

    const fetched = await collect(source.fetch([item(2)], LIMITS));

    expect(fetched).toMatchObject([{ kind: 'raw' }]);
  });
});

describe('Courier, when one address has too many connections', () => {
  it('closes one more without a greeting, and what that may be is said', async () => {
    const server = await scripted([{ end: 'fin' }]);

    const error = await mailError(open(server));

    expect(error).toMatchObject({ code: 'network' });
    expect(error.message).toContain(
      'it may have too many connections from this address; if the port is for TLS',
    );
  });
});

describe('GNU imap4d, which writes a UIDVALIDITY down only at a SELECT', () => {
  const box = (command: string, uidValidity: number, exists: number): Step =>
    answer(
      `${command} INBOX`,
      [
        `* ${exists} EXISTS`,
        `* ${exists} RECENT`,
        `* OK [UIDVALIDITY ${uidValidity}] UID validity status`,
        `* OK [UIDNEXT ${exists + 1}] Predicted next uid`,
      ],
      command === 'SELECT' ? 'OK [READ-WRITE] SELECT Completed' : 'OK [READ-ONLY] EXAMINE Completed',
    );

  it('is asked by SELECT when EXAMINE shows another one, and the messages get the one that stays', async () => {
    const server = await scripted([
      ...loggedIn(),
      box('EXAMINE', 1_795_626_700, 2),
      box('SELECT', 1_795_626_701, 2),
      answer('UID FETCH 1:2 .*', [listRow(1), listRow(2)]),
    ]);
    const source = await open(server, { readOnly: true });

    const listing = await source.list('INBOX', cursor({ uidValidity: '1795626600' }));

    expect(listing).toMatchObject({ continuity: 'reset', next: { uidValidity: '1795626701' } });
    expect(uidsOf(listing)).toEqual([1, 2]);
  });

  it('breaks no continuity when SELECT shows the one that was written down before', async () => {
    const server = await scripted([...loggedIn(), box('EXAMINE', 1_795_626_700, 3), box('SELECT', 7, 3)]);
    const source = await open(server, { readOnly: true });

    const listing = await source.list('INBOX', cursor({ uidValidity: '7' }));

    expect(listing).toMatchObject({ continuity: 'same', items: [], next: { uidValidity: '7' } });
  });

  it('stays with EXAMINE as long as that shows the one that is known', async () => {
    const server = await scripted([...loggedIn(), box('EXAMINE', 7, 3)]);
    const source = await open(server, { readOnly: true });

    await source.list('INBOX', cursor());

    expect(server.received.filter((line) => line.includes('SELECT'))).toEqual([]);
  });
});

describe('Cyrus and Courier, whose names have levels separated by dots', () => {
  it('refuse a name with another separator, and what they separate by is said', async () => {
    const capabilities = 'IMAP4rev1 UIDPLUS MOVE NAMESPACE';
    const server = await scripted([
      { send: [`* OK [CAPABILITY ${capabilities}] ready\r\n`] },
      answer('LOGIN .*', [], `OK [CAPABILITY ${capabilities}] User logged in`),
      answer('NAMESPACE', ['* NAMESPACE (("INBOX." ".")) (("user." ".")) (("" "."))']),
      ...opened(),
      answer('LIST "INBOX\\." "\\*"'),
      answer('LIST "" "INBOX"', ['* LIST (\\HasNoChildren) "." INBOX']),
      answer('LSUB .*'),
      answer('CREATE INBOX\\.Arch/Sub', [], 'NO Invalid mailbox name'),
    ]);
    const source = await open(server);

    const results = await source.settle([
      { key: 'a', source: item(1).source, action: { kind: 'move', mailbox: 'Arch/Sub' } },
    ]);

    expect(results).toMatchObject([{ result: 'refused', reason: expect.stringContaining('name by "."') }]);
  });
});

describe('James, which says BAD to a FETCH from an empty mailbox', () => {
  const flags = (completion?: string) =>
    answer(
      'UID FETCH 1 \\(UID FLAGS\\)',
      completion === undefined ? ['* 1 FETCH (FLAGS () UID 1)'] : [],
      completion ?? 'OK FETCH completed.',
    );
  const BAD = 'BAD FETCH failed. Invalid messageset.';
  const deletion = { key: 'a', source: item(1).source, action: { kind: 'delete' } } as const;

  it('has deleted the last message, and that is seen', async () => {
    const server = await scripted([
      ...loggedIn('UIDPLUS MOVE'),
      ...opened({ exists: 1, uidNext: 2 }),
      flags(),
      answer('UID STORE 1 \\+FLAGS.* \\(\\\\Deleted\\)', ['* 1 FETCH (FLAGS (\\Deleted) UID 1)']),
      answer('UID EXPUNGE 1', ['* 1 EXPUNGE', '* 0 RECENT'], 'OK EXPUNGE completed.'),
      flags(BAD),
      answer('UID SEARCH UID 1', ['* SEARCH'], 'OK SEARCH completed.'),
    ]);
    const source = await open(server);

    expect(await source.settle([deletion])).toEqual([{ key: 'a', result: 'done', reason: null }]);
  });

  it('is tried again when the message is there all the same', async () => {
    const server = await scripted([
      ...loggedIn('UIDPLUS MOVE'),
      ...opened({ exists: 1, uidNext: 2 }),
      flags(BAD),
      answer('UID SEARCH UID 1', ['* SEARCH 1'], 'OK SEARCH completed.'),
    ]);
    const source = await open(server);

    expect(await source.settle([deletion])).toMatchObject([
      { result: 'retry', reason: expect.stringContaining('Invalid messageset') },
    ]);
  });
});
