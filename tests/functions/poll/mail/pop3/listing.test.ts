import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Cursor, Pop3Cursor } from '../../../../../shared/ports/mail-source.ts';
import type { Step } from '../../../../support/scripted-server.ts';
import { cleanUpAfterEach, listed, loggedIn, mailError, multiline, open, scripted } from './pop3-support.ts';

cleanUpAfterEach();

const hashOf = (uidls: readonly string[]) =>
  createHash('sha256')
    .update(uidls.map((uidl) => `${uidl}\r\n`).join(''), 'latin1')
    .digest('hex');

async function listWith(
  steps: readonly Step[],
  cursor: Cursor | null = null,
  capabilities?: readonly string[] | null,
) {
  const server = await scripted([...loggedIn(capabilities), ...steps]);
  const source = await open(server);
  return { server, source, listing: await source.list('', cursor) };
}

async function listFails(steps: readonly Step[], capabilities?: readonly string[] | null) {
  const server = await scripted([...loggedIn(capabilities), ...steps]);
  const source = await open(server);
  const error = await mailError(source.list('', null));
  return { error, server, source };
}

/** STAT, UIDL and LIST with these bodies. */
function replies(count: number, uidl: readonly string[], list?: readonly string[]): Step[] {
  return [
    { expect: 'STAT', send: [`+OK ${count} 1000\r\n`] },
    { expect: 'UIDL', send: [multiline('', uidl)] },
    ...(list ? [{ expect: 'LIST', send: [multiline('', list)] }] : []),
  ];
}

const uidlsOf = (listing: { items: readonly { source: object }[] }) =>
  listing.items.map(({ source }) => ('uidl' in source ? source.uidl : null));

describe('list()', () => {
  it('gives every message in wire order, with the size of LIST and nothing POP3 does not know', async () => {
    const { listing } = await listWith(listed(['a1', 'b2'], [120, 340]));
    const rest = { internalDate: null, flags: [], labels: [], backfill: false };
    expect(listing).toEqual({
      continuity: 'same',
      exists: 2,
      items: [
        { source: { protocol: 'pop3', uidl: 'a1' }, sizeBytes: 120, ...rest },
        { source: { protocol: 'pop3', uidl: 'b2' }, sizeBytes: 340, ...rest },
      ],
      next: {
        protocol: 'pop3',
        mailbox: '',
        listingHash: hashOf(['a1', 'b2']),
        listedCount: 2,
        base: null,
        backfill: null,
      },
    });
  });

  it('gives nothing, and asks for no sizes, when the UIDLs are those of the cursor', async () => {
    const cursor = {
      protocol: 'pop3',
      mailbox: '',
      listingHash: hashOf(['a1', 'b2']),
      listedCount: 1,
      base: 'blob-1',
      backfill: 'blob-2',
    } as Pop3Cursor;
    const { server, listing } = await listWith(listed(['a1', 'b2'], null), cursor);
    expect(listing).toMatchObject({ items: [], exists: 2, next: { ...cursor, listedCount: 2 } });
    expect(server.received).not.toContain('LIST');
  });

  it('gives everything when the same UIDLs come in another order', async () => {
    const { listing: first } = await listWith(listed(['a', 'b'], [1, 2]));
    const { listing } = await listWith(listed(['b', 'a'], [2, 1]), first.next);
    expect(uidlsOf(listing)).toEqual(['b', 'a']);
  });

  it('takes UIDLs as servers send them: more blanks, blanks behind, longer than 70, with blanks inside, 8-bit', async () => {
    const long = 'x'.repeat(200);
    const lines = [
      '1  two-blanks',
      '2 trailing  ',
      ` 3\t${long}`,
      '4 with blank',
      '5 ..dots',
      '6 caf\xc3\x80',
    ];
    const body = lines.map((line) => `${line.startsWith('.') ? '.' : ''}${line}\r\n`).join('');
    const { listing } = await listWith([
      { expect: 'STAT', send: ['+OK 6 1\r\n'] },
      { expect: 'UIDL', send: [Buffer.from(`+OK\r\n${body}.\r\n`, 'latin1')] },
      { expect: 'LIST', send: ['-ERR no LIST today\r\n'] },
    ]);
    const uidls = ['two-blanks', 'trailing', long, 'with blank', '..dots', 'caf\xc3\x80'];
    expect(uidlsOf(listing)).toEqual(uidls);
    expect(listing.next).toMatchObject({ listingHash: hashOf(uidls) });
  });

  it('goes without sizes when LIST is refused', async () => {
    const { listing } = await listWith([...listed(['a'], null), { expect: 'LIST', send: ['-ERR\r\n'] }]);
    expect(listing.items).toMatchObject([{ sizeBytes: null }]);
  });

  it('takes sizes with more text behind them', async () => {
    const { listing } = await listWith(replies(1, ['1 a'], ['1  120 octets']));
    expect(listing.items).toMatchObject([{ sizeBytes: 120 }]);
  });

  it('delivers one of several messages that share a UIDL, and counts them all', async () => {
    const { listing } = await listWith(listed(['twin', 'b', 'twin'], [10, 20, 10]));
    expect(uidlsOf(listing)).toEqual(['twin', 'b']);
    expect(listing.exists).toBe(3);
    expect(listing.next).toMatchObject({ listingHash: hashOf(['twin', 'b', 'twin']) });
  });

  it('takes an empty maildrop, also of a server that refuses to list nothing', async () => {
    const empty = { items: [], exists: 0, next: { listingHash: hashOf([]) } };
    expect((await listWith(replies(0, []))).listing).toMatchObject(empty);
    const refusing: Step[] = [
      { expect: 'STAT', send: ['+OK 0 0\r\n'] },
      { expect: 'UIDL', send: ['-ERR no messages\r\n'] },
    ];
    expect((await listWith(refusing)).listing).toMatchObject(empty);
  });

  it.each<[string, readonly Step[], string]>([
    ['has fewer UIDLs than STAT counts', replies(3, ['1 a', '2 b']), 'lists 2 messages where STAT counts 3'],
    ['has more UIDLs than STAT counts', replies(1, ['1 a', '2 b']), 'not one of 1 messages'],
    ['has a number twice', replies(2, ['1 a', '1 b']), 'listed twice'],
    ['has the number 0', replies(2, ['0 a', '1 b']), 'not one of 2 messages'],
    ['has a UIDL that is missing', replies(1, ['1 ']), 'no number with a UIDL'],
    ['has a UIDL with a control character', replies(1, ['1 a\x07b']), 'no number with a UIDL'],
    ['has a UIDL without end', replies(1, [`1 ${'x'.repeat(600)}`]), 'no number with a UIDL'],
    ['has text for a line', replies(1, ['hello']), 'no number with a UIDL'],
    [
      'has fewer sizes than STAT counts',
      replies(2, ['1 a', '2 b'], ['1 10']),
      'lists 1 messages where STAT counts 2',
    ],
    [
      'has a size for a message that is not there',
      replies(1, ['1 a'], ['2 10']),
      'no size of one of 1 messages',
    ],
    [
      'has no count',
      [
        { expect: 'STAT', send: ['+OK\r\n'] },
        { expect: 'UIDL', send: ['+OK\r\n.\r\n'] },
      ],
      'states no number',
    ],
  ])('uses nothing of a listing that %s', async (_what, steps, text) => {
    const { error, source, server } = await listFails(steps);
    expect(error).toMatchObject({ code: 'protocol' });
    expect(error.message).toContain(text);
    expect(await source.close('commit')).toBe('unknown');
    expect(server.received).not.toContain('QUIT');
  });

  it('says what to do when the server has no UIDL', async () => {
    const { error } = await listFails(
      [
        { expect: 'STAT', send: ['+OK 2 100\r\n'] },
        { expect: 'UIDL', send: ['-ERR unknown command\r\n'] },
      ],
      ['USER', 'PIPELINING'],
    );
    expect(error).toMatchObject({ code: 'protocol' });
    expect(error.message).toContain('use IMAP for this account');
  });

  it('takes a UIDL that is refused for now as what its words say', async () => {
    const { error } = await listFails([
      { expect: 'STAT', send: ['+OK 2 100\r\n'] },
      { expect: 'UIDL', send: ['-ERR [SYS/TEMP] index is being rebuilt\r\n'] },
    ]);
    expect(error).toMatchObject({ code: 'rate' });
  });

  it('ends with the listing cap on a listing without end', async () => {
    const flood: Step[] = [
      { expect: 'STAT', send: ['+OK 2 100\r\n'] },
      { expect: 'UIDL', send: ['+OK\r\n', `${'1 x'.repeat(2_000)}`] },
    ];
    const server = await scripted([...loggedIn(), ...flood]);
    const source = await open(server, { limits: { maxListingBytes: 5_000 } });
    const error = await mailError(source.list('', null));
    expect(error).toMatchObject({ code: 'protocol' });
    expect(error.message).toContain('without end');
  });

  it('lists once for all the calls of a session, and no more what was deleted in it', async () => {
    const { server, source } = await listWith([
      ...listed(['a', 'b'], [1, 2]),
      { expect: 'DELE 1', send: ['+OK\r\n'] },
    ]);
    await source.settle([{ key: 'k', source: { protocol: 'pop3', uidl: 'a' }, action: { kind: 'delete' } }]);
    expect(uidlsOf(await source.list('', null))).toEqual(['b']);
    expect(server.received.filter((line) => line === 'UIDL')).toHaveLength(1);
  });

  it('lists 100,000 messages', async () => {
    const uidls = Array.from({ length: 100_000 }, (_, index) => `${'u'.repeat(20)}${index}`);
    const { listing } = await listWith(
      listed(
        uidls,
        uidls.map(() => 1_000),
      ),
    );
    expect(listing.items).toHaveLength(100_000);
  });
});
