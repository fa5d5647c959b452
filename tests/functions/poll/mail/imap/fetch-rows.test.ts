import { describe, expect, it } from 'vitest';
import { PART_BYTES } from '../../../../../functions/poll/mail/imap/limits.ts';
import { MAX_REFUSALS_IN_A_ROW } from '../../../../../functions/poll/mail/refusals.ts';
import { LIMITS, listed, untilError } from './fetch-support.ts';
import { answer, bodyRow } from './imap-script.ts';
import { brief, cleanUpAfterEach, collect, item, mail, open, served } from './imap-support.ts';

cleanUpAfterEach();

describe('rows that are not what was asked for', () => {
  it('are passed over: other messages, flags alone, no UID, another order', async () => {
    const { source } = await listed(
      answer('UID FETCH 1:2 .*', [
        '* 3 FETCH (FLAGS (\\Seen))',
        bodyRow(3, 'not asked for'),
        '* 1 FETCH (UID 1 FLAGS (\\Seen))',
        '* 2 FETCH (BODY[]<0> {6}\r\nno uid)',
        bodyRow(2, 'two'),
        '* 3 EXPUNGE',
        bodyRow(1, 'one'),
        '* 1 FETCH (UID 1 FLAGS (\\Answered))',
      ]),
    );

    const fetched = await collect(source.fetch([item(1), item(2)], LIMITS));

    expect(fetched.map(brief)).toEqual(['raw 1 one', 'raw 2 two']);
  });

  it.each([
    ['NIL', '* 2 FETCH (UID 2 BODY[]<0> NIL)'],
    ['empty', '* 2 FETCH (UID 2 BODY[]<0> {0}\r\n)'],
    ['without UID', '* 2 FETCH (BODY[]<0> {3}\r\ntwo)'],
  ])('%s are asked for again, and then the message has failed and the others have not', async (_, row) => {
    const { source } = await listed(
      answer('UID FETCH 1:3 .*', [bodyRow(1, 'one'), row, bodyRow(3, 'three')]),
      answer('UID SEARCH UID 2', ['* SEARCH 2']),
      answer('UID FETCH 2 .*', [row]),
    );

    const fetched = await collect(source.fetch([item(1), item(2), item(3)], LIMITS));

    expect(fetched.map(brief)).toEqual(['raw 1 one', 'failed 2', 'raw 3 three']);
  });

  it('of an empty message are that message, whose size is 0', async () => {
    const { source } = await listed(
      answer('UID FETCH 1:4 .*', [
        bodyRow(1, 'one'),
        bodyRow(2, ''),
        '* 3 FETCH (UID 3 BODY[]<0> NIL)',
        bodyRow(4, 'four'),
      ]),
    );
    const empty = { sizeBytes: 0 };

    const fetched = await collect(source.fetch([item(1), item(2, empty), item(3, empty), item(4)], LIMITS));

    expect(fetched.map(brief)).toEqual(['raw 1 one', 'raw 2 ', 'raw 3 ', 'raw 4 four']);
  });

  it('of a message without a stated size are taken for empty when they stay so', async () => {
    const { source } = await listed(
      answer('UID FETCH 2 .*', [bodyRow(2, '')]),
      answer('UID SEARCH UID 2', ['* SEARCH 2']),
      answer('UID FETCH 2 .*', [bodyRow(2, '')]),
    );

    expect((await collect(source.fetch([item(2, { sizeBytes: null })], LIMITS))).map(brief)).toEqual([
      'raw 2 ',
    ]);
  });

  it('are made up for when the second answer is good', async () => {
    const { source } = await listed(
      answer('UID FETCH 1:3 .*', [bodyRow(1, 'one')]),
      answer('UID FETCH 2:3 .*', [bodyRow(3, 'three')]),
      answer('UID SEARCH UID 2', ['* SEARCH 2']),
      answer('UID FETCH 2 .*', [bodyRow(2, 'two')]),
    );

    const fetched = await collect(source.fetch([item(1), item(2), item(3)], LIMITS));

    expect(fetched.map(brief)).toEqual(['raw 1 one', 'raw 2 two', 'raw 3 three']);
  });
});

describe('messages that another client expunges meanwhile', () => {
  it('are gone, and the others come', async () => {
    const { source } = await listed(
      answer(
        'UID FETCH 1:5 .*',
        [bodyRow(1, 'one'), '* 2 FETCH (UID 2 FLAGS ())', bodyRow(3, 'three'), bodyRow(5, 'five')],
        'NO [EXPUNGEISSUED] Some of the requested messages no longer exist',
      ),
      answer('UID FETCH 2,4 .*'),
      answer('UID SEARCH UID 2,4', ['* SEARCH']),
    );

    const fetched = await collect(
      source.fetch(
        [1, 2, 3, 4, 5].map((uid) => item(uid)),
        LIMITS,
      ),
    );

    expect(fetched.map(brief)).toEqual(['raw 1 one', 'gone 2', 'raw 3 three', 'gone 4', 'raw 5 five']);
  });

  it('are gone on a real server too', async () => {
    const server = await served({ mails: [mail(1), mail(2), mail(3)] });
    const source = await open(server);
    const { items } = await source.list('INBOX', null);
    server.mailbox('ana').remove([1, 3]);

    const fetched = await collect(source.fetch(items, LIMITS));

    expect(fetched.map(({ kind }) => kind)).toEqual(['gone', 'raw', 'gone']);
  });

  it('count as failed when the server will not search', async () => {
    const { source } = await listed(
      answer('UID FETCH 1 .*'),
      answer('UID SEARCH UID 1', [], 'BAD No search here'),
      answer('UID FETCH 1 .*'),
    );

    expect((await collect(source.fetch([item(1)], LIMITS))).map(brief)).toEqual(['failed 1']);
  });
});

describe('a server that refuses', () => {
  it('one message fails that one', async () => {
    const { source } = await listed(
      answer('UID FETCH 1:3 .*', [bodyRow(1, 'one')], 'NO [SERVERBUG] Internal error: message 2 is corrupt'),
      answer('UID SEARCH UID 2:3', ['* SEARCH 2 3']),
      answer('UID FETCH 2 .*', [], 'NO [SERVERBUG] Internal error: message 2 is corrupt'),
      answer('UID FETCH 3 .*', [bodyRow(3, 'three')]),
    );

    const fetched = await collect(source.fetch([item(1), item(2), item(3)], LIMITS));

    expect(fetched.map(brief)).toEqual(['raw 1 one', 'failed 2', 'raw 3 three']);
    expect(fetched[1]).toMatchObject({ error: expect.stringContaining('message 2 is corrupt') });
  });

  it('one message after the other, and none of the others, is at fault itself', async () => {
    const uids = Array.from({ length: MAX_REFUSALS_IN_A_ROW + 2 }, (_, at) => at + 1);
    const { source } = await listed(
      answer('UID FETCH 1:7 .*', [], 'NO Cannot read'),
      answer('UID SEARCH UID 1:7', ['* SEARCH 1 2 3 4 5 6 7']),
      ...uids
        .slice(0, MAX_REFUSALS_IN_A_ROW)
        .map((uid) => answer(`UID FETCH ${uid} .*`, [], 'NO Cannot read')),
      answer('UID SEARCH 1,2,3', ['* SEARCH 5 6 7']),
      answer('UID FETCH 7 .*', [], 'NO Cannot read'),
      answer('UID FETCH 6 .*', [], 'NO Cannot read'),
    );

    const { got, error } = await untilError(source, uids);

    expect(got).toEqual(['failed 1', 'failed 2', 'failed 3', 'failed 4']);
    expect(error).toMatchObject({ code: 'protocol', message: expect.stringContaining('Cannot read') });
  });

  it.each([
    ['NO [LIMIT] Too much', 'rate'],
    ['NO [UNAVAILABLE] The store is down', 'busy'],
    ['NO Server Unavailable. 15', 'busy'],
  ])('everything with %s ends the fetch after what is complete', async (completion, code) => {
    const { source } = await listed(answer('UID FETCH 1:3 .*', [bodyRow(2, 'two')], completion));

    const { got, error } = await untilError(source, [1, 2, 3]);

    expect(got).toEqual(['raw 2 two']);
    expect(error.code).toBe(code);
  });

  it.each([
    ['between two rows', ''],
    ['in the middle of a body', '* 2 FETCH (UID 2 BODY[]<0> {100}\r\nhalf'],
  ])('by dropping the connection %s keeps what was complete', async (_, rest) => {
    const { source } = await listed(
      { expect: /UID FETCH/, send: [bodyRow(1, 'one'), ...(rest === '' ? [] : [rest])] },
      { end: 'fin' },
    );

    const { got, error } = await untilError(source, [1, 2]);

    expect(got).toEqual(['raw 1 one']);
    expect(error.code).toBe('network');
  });
});

it('rows in excess of what a batch may hold are asked for again one by one', async () => {
  const big = Buffer.alloc(PART_BYTES - 1, 'x');
  const rows = [1, 2, 3, 4].map((uid) => bodyRow(uid, big));
  const { source, server } = await listed(
    answer('UID FETCH 1:4 .*', rows),
    answer('UID SEARCH UID 4', ['* SEARCH 4']),
    answer('UID FETCH 4 .*', rows.slice(3)),
  );

  const items = [1, 2, 3, 4].map((uid) => item(uid, { sizeBytes: 10 }));
  const fetched = await collect(source.fetch(items, LIMITS));

  expect(fetched.map(({ kind }) => kind)).toEqual(['raw', 'raw', 'raw', 'raw']);
  expect(server.received.at(-1)).toMatch(/UID FETCH 4 /);
});

it('rows that nobody asked for do not use up what a batch may hold', async () => {
  const flood = [6, 7, 8, 9].map((uid) => bodyRow(uid, Buffer.alloc(PART_BYTES - 1, 'x')));
  const { source } = await listed(
    answer('UID FETCH 1:2 .*', [...flood, bodyRow(1, 'one'), bodyRow(2, 'two')]),
  );

  const fetched = await collect(source.fetch([item(1), item(2)], LIMITS));

  expect(fetched.map(brief)).toEqual(['raw 1 one', 'raw 2 two']);
});
