import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MAX_REFUSALS_IN_A_ROW, PART_BYTES } from '../../../../../functions/poll/mail/imap/limits.ts';
import type { MailSource } from '../../../../../shared/ports/mail-source.ts';
import type { ScriptedServer, Step } from '../../../../support/scripted-server.ts';
import {
  answer,
  bodyRow,
  brief,
  cleanUpAfterEach,
  collect,
  cursor,
  item,
  loggedIn,
  mail,
  mailError,
  open,
  opened,
  scripted,
  served,
} from './imap-support.ts';

cleanUpAfterEach();

const LIMITS = { maxSizeBytes: 25_000_000 };
const PART = `BODY\\.PEEK\\[\\]<0\\.${PART_BYTES}>`;

/** A source that has INBOX with three messages listed, and the server's answers to what it asks then. */
async function listed(...steps: Step[]): Promise<{ source: MailSource; server: ScriptedServer }> {
  const server = await scripted([...loggedIn(), ...opened(), ...steps]);
  // Time enough for megabytes on a busy machine: no test here is about deadlines.
  const source = await open(server, { deadlines: { commandMs: 10_000 } });
  await source.list('INBOX', cursor());
  return { source, server };
}

/** What comes before the fetch fails, and how. */
async function untilError(source: MailSource, uids: readonly number[]) {
  const got: string[] = [];
  const error = await mailError(
    (async () => {
      const items = uids.map((uid) => item(uid));
      for await (const fetched of source.fetch(items, LIMITS)) got.push(brief(fetched));
    })(),
  );
  return { got, error };
}

describe('bodies', () => {
  it('come byte for byte, whatever is in them, and stay unread', async () => {
    const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const bodies = [
      Buffer.concat([Buffer.from('Subject: caf\xe9\r\n\r\n', 'latin1'), every]),
      Buffer.from('\r\n.\r\n..\r\n* 1 FETCH (FLAGS ())\r\nA1 OK\r\n{5}\r\n'),
      Buffer.from('no line end'),
    ];
    const server = await served({ mails: bodies });
    const source = await open(server);
    const { items } = await source.list('INBOX', null);

    const fetched = await collect(source.fetch(items, LIMITS));

    expect(fetched.map((one) => (one.kind === 'raw' ? one.bytes : null))).toEqual(bodies);
    expect(server.mailbox('ana').mails.map(({ flags }) => [...flags])).toEqual([[], [], []]);
  });

  it('come in batches of 50 at most, in the order asked', async () => {
    const server = await served({ mails: Array.from({ length: 120 }, (_, at) => mail(at + 1)) });
    const source = await open(server);
    const { items } = await source.list('INBOX', null);

    const fetched = await collect(source.fetch(items.toReversed(), LIMITS));

    expect(fetched.map(brief)).toEqual(
      items.toReversed().map(({ source: one }) => {
        const uid = one.protocol === 'imap' ? one.uid : 0;
        return `raw ${uid} ${mail(uid)}`;
      }),
    );
  });

  it('are asked for with BODY.PEEK and never more than a part at once', async () => {
    const { source, server } = await listed(
      answer(`UID FETCH 1:3 \\(UID ${PART}\\)`, [bodyRow(1, 'one'), bodyRow(2, 'two'), bodyRow(3, 'three')]),
    );

    const fetched = await collect(source.fetch([item(1), item(2), item(3)], LIMITS));

    expect(fetched.map(brief)).toEqual(['raw 1 one', 'raw 2 two', 'raw 3 three']);
    expect(server.received.at(-1)).toMatch(/^\w+ UID FETCH 1:3/);
  });

  it('that are long come in parts and are put together', async () => {
    const long = Buffer.alloc(2 * PART_BYTES + 12_345, 'abcdefgh\xe9\r\n', 'latin1');
    const server = await served({ mails: [mail(1), long, mail(3)] });
    const source = await open(server, { deadlines: { commandMs: 10_000 } });
    const { items } = await source.list('INBOX', null);

    const fetched = await collect(source.fetch(items, LIMITS));

    const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    expect(fetched.map((one) => (one.kind === 'raw' ? hash(one.bytes) : one.kind))).toEqual(
      [mail(1), long, mail(3)].map(hash),
    );
  });

  it('that fill their parts exactly are whole', async () => {
    const long = Buffer.alloc(PART_BYTES, 'x');
    const server = await served({ mails: [long] });
    const source = await open(server, { deadlines: { commandMs: 10_000 } });
    const { items } = await source.list('INBOX', null);

    const fetched = await collect(source.fetch(items, LIMITS));

    expect(fetched.map((one) => one.kind === 'raw' && one.bytes.equals(long))).toEqual([true]);
  });

  it('of which a later part goes missing are not taken for whole', async () => {
    const { source } = await listed(
      answer(`UID FETCH 1 .*<0\\..*`, [bodyRow(1, Buffer.alloc(PART_BYTES, 'x'))]),
      answer(`UID FETCH 1 .*<${PART_BYTES}\\..*`),
      answer('UID SEARCH UID 1', ['* SEARCH 1']),
    );

    const fetched = await collect(source.fetch([item(1, { sizeBytes: PART_BYTES + 1 })], LIMITS));

    expect(fetched).toMatchObject([{ kind: 'failed', error: expect.stringContaining('then nothing') }]);
  });

  it('from a server that knows no parts are taken whole', async () => {
    const whole = Buffer.alloc(PART_BYTES + 5, 'x');
    const { source } = await listed(answer('UID FETCH 1 .*', [bodyRow(1, whole)]));

    const fetched = await collect(source.fetch([item(1)], LIMITS));

    expect(fetched.map((one) => one.kind === 'raw' && one.bytes.equals(whole))).toEqual([true]);
  });
});

describe('a message that is too large', () => {
  it('is given with its header section alone', async () => {
    const head = 'Subject: Large\r\nX: y\r\n\r\n';
    const large = Buffer.from(`${head}${'x'.repeat(5_000)}`);
    const server = await served({ mails: [large, mail(2)] });
    const source = await open(server);
    const { items } = await source.list('INBOX', null);

    const fetched = await collect(source.fetch(items, { maxSizeBytes: 1_000 }));

    expect(fetched).toMatchObject([
      { kind: 'oversize', head: Buffer.from(head), sizeBytes: large.length },
      { kind: 'raw', bytes: mail(2) },
    ]);
  });

  it('though its stated size is small, is cut off and given the same way', async () => {
    const body = Buffer.from(`Subject: Liar\r\n\r\n${'x'.repeat(5_000)}`);
    const { source } = await listed(answer('UID FETCH 1 .*', [bodyRow(1, body)]));

    const fetched = await collect(source.fetch([item(1, { sizeBytes: 10 })], { maxSizeBytes: 1_000 }));

    expect(fetched).toMatchObject([
      { kind: 'oversize', head: Buffer.from('Subject: Liar\r\n\r\n'), sizeBytes: body.length },
    ]);
  });

  it('is not fetched to its end', async () => {
    const full = Buffer.alloc(PART_BYTES, 'x');
    const { source, server } = await listed(
      answer('UID FETCH 1 .*<0\\..*', [bodyRow(1, full)]),
      answer(`UID FETCH 1 .*<${PART_BYTES}\\..*`, [bodyRow(1, full)]),
    );

    const limits = { maxSizeBytes: PART_BYTES + 1 };
    const fetched = await collect(source.fetch([item(1, { sizeBytes: 10 })], limits));

    expect(fetched).toMatchObject([{ kind: 'oversize', sizeBytes: 2 * PART_BYTES }]);
    expect(server.received.filter((line) => line.includes('UID FETCH'))).toHaveLength(2);
  });

  it('in a literal of 2 GB ends the session and takes no memory', async () => {
    const { source } = await listed({
      expect: /UID FETCH/,
      send: [bodyRow(1, 'one'), '* 2 FETCH (UID 2 BODY[]<0> {2147483647}\r\n', 'x'.repeat(100_000)],
    });

    const { got, error } = await untilError(source, [1, 2]);

    expect(got).toEqual(['raw 1 one']);
    expect(error).toMatchObject({ code: 'protocol', message: expect.stringContaining('UIDs 1:2') });
  });
});

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

  it('one message after the other is at fault itself', async () => {
    const uids = Array.from({ length: MAX_REFUSALS_IN_A_ROW + 2 }, (_, at) => at + 1);
    const { source } = await listed(
      answer('UID FETCH 1:7 .*', [], 'NO Cannot read'),
      answer('UID SEARCH UID 1:7', ['* SEARCH 1 2 3 4 5 6 7']),
      ...uids
        .slice(0, MAX_REFUSALS_IN_A_ROW)
        .map((uid) => answer(`UID FETCH ${uid} .*`, [], 'NO Cannot read')),
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
  const { source } = await listed(
    answer('UID FETCH 1:4 .*', rows),
    answer('UID SEARCH UID 4', ['* SEARCH 4']),
    answer('UID FETCH 4 .*', rows.slice(3)),
  );

  const items = [1, 2, 3, 4].map((uid) => item(uid, { sizeBytes: 10 }));
  const fetched = await collect(source.fetch(items, LIMITS));

  expect(fetched.map(({ kind }) => kind)).toEqual(['raw', 'raw', 'raw', 'raw']);
});

it('a consumer that stops early leaves the session usable', async () => {
  const server = await served({ mails: [mail(1), mail(2), mail(3)] });
  const source = await open(server);
  const { items } = await source.list('INBOX', null);

  for await (const fetched of source.fetch(items, LIMITS)) {
    expect(fetched.kind).toBe('raw');
    break;
  }

  expect((await source.list('INBOX', null)).items).toHaveLength(3);
});

it('fetching goes on in the mailbox listed last, though a settlement left it', async () => {
  const server = await served({ mails: [mail(1), mail(2)], mailboxes: [{ name: 'Other' }] });
  const other = server.mailbox('ana', 'Other').add(mail(9));
  const source = await open(server);
  const { items } = await source.list('INBOX', null);
  const elsewhere = {
    protocol: 'imap' as const,
    mailbox: 'Other',
    uidValidity: String(server.mailbox('ana', 'Other').uidValidity),
    uid: other.uid,
  };

  await source.settle([{ key: 'k', source: elsewhere, action: { kind: 'mark-seen' } }]);

  expect((await collect(source.fetch(items, LIMITS))).map(brief)).toEqual([
    `raw 1 ${mail(1)}`,
    `raw 2 ${mail(2)}`,
  ]);
});

it('a mailbox that was replaced after it was listed is not fetched from', async () => {
  const server = await served({ mails: [mail(1)], mailboxes: [{ name: 'Other' }] });
  const source = await open(server);
  const { items } = await source.list('INBOX', null);
  await source.settle([
    {
      key: 'k',
      source: { protocol: 'imap', mailbox: 'Other', uidValidity: '1', uid: 1 },
      action: { kind: 'delete' },
    },
  ]);

  server.mailbox('ana').renumber();

  expect((await mailError(collect(source.fetch(items, LIMITS)))).message).toContain('replaced');
});

describe('heads', () => {
  it('come in the order asked, null for what is gone', async () => {
    const server = await served({ mails: [mail(1), mail(2), mail(3)] });
    const source = await open(server);
    const { items } = await source.list('INBOX', null);
    server.mailbox('ana').remove([2]);

    const heads = await collect(source.heads(items.toReversed()));

    const headOf = (number: number) =>
      `Message-ID: <${number}@example.com>\r\nSubject: Mail ${number}\r\n\r\n`;
    expect(heads.map(({ head }) => head?.toString() ?? null)).toEqual([headOf(3), null, headOf(1)]);
    expect(server.mailbox('ana').mails.every(({ flags }) => flags.size === 0)).toBe(true);
  });

  it('are asked for with BODY.PEEK[HEADER], bounded', async () => {
    const row = '* 1 FETCH (UID 1 BODY[HEADER]<0> {4}\r\nA: b)';
    const { source } = await listed(
      answer('UID FETCH 1 \\(UID BODY\\.PEEK\\[HEADER\\]<0\\.1048576>\\)', [row]),
    );

    expect(await collect(source.heads([item(1)]))).toMatchObject([{ head: Buffer.from('A: b') }]);
  });

  it('of an outage are an error', async () => {
    const { source } = await listed(answer('UID FETCH .*', [], 'NO [UNAVAILABLE] Down'));

    expect((await mailError(collect(source.heads([item(1)])))).code).toBe('busy');
  });
});
