import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { PART_BYTES } from '../../../../../functions/poll/mail/imap/limits.ts';
import { LIMITS, listed, untilError } from './fetch-support.ts';
import { answer, bodyRow } from './imap-script.ts';
import { brief, cleanUpAfterEach, collect, item, mail, open, served } from './imap-support.ts';

cleanUpAfterEach();

const PART = `BODY\\.PEEK\\[\\]<0\\.${PART_BYTES}>`;

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
    const source = await open(server);
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
    const source = await open(server);
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

  it('in a literal of 2 GB ends the session, takes no memory, and is the one that failed', async () => {
    const { source } = await listed({
      expect: /UID FETCH/,
      send: [bodyRow(1, 'one'), '* 2 FETCH (UID 2 BODY[]<0> {2147483647}\r\n', 'x'.repeat(100_000)],
    });

    const { got, error } = await untilError(source, [1, 2, 3]);

    expect(got).toEqual(['raw 1 one', 'failed 2']);
    expect(error).toMatchObject({ code: 'protocol', message: expect.stringContaining('UIDs 1:3') });
  });
});
