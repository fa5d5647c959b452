import { describe, expect, it } from 'vitest';
import { headOf } from '../../../../../functions/poll/mail/pop3/retrieve.ts';
import type { Fetched, Listed } from '../../../../../shared/ports/mail-source.ts';
import type { Step } from '../../../../support/scripted-server.ts';
import { all, cleanUpAfterEach, listedSession, mailError } from './pop3-support.ts';

cleanUpAfterEach();

const LIMITS = { maxSizeBytes: 1_000 };
const HEAD = 'Subject: large\r\nFrom: a@b\r\n\r\n';
const QUIT = { expect: 'QUIT', send: ['+OK\r\n'] };
const mail = (text: string) => `+OK\r\nSubject: ${text}\r\n\r\nbody\r\n.\r\n`;
/** A message of `bytes` bytes and its terminator. */
const largeBody = (bytes: number) => `+OK\r\n${HEAD}${'x'.repeat(bytes - HEAD.length - 2)}\r\n.\r\n`;

function shown(fetched: Fetched): unknown {
  if (fetched.kind === 'raw') return fetched.bytes.toString();
  if (fetched.kind === 'oversize') return [fetched.kind, fetched.head.toString(), fetched.sizeBytes];
  return fetched.kind === 'failed' ? [fetched.kind, fetched.error] : fetched.kind;
}

function unlisted(uidl: string): Listed {
  return {
    source: { protocol: 'pop3', uidl },
    sizeBytes: null,
    internalDate: null,
    flags: [],
    labels: [],
    backfill: false,
  };
}

describe('fetch()', () => {
  it('yields messages in the order given, with the item each belongs to', async () => {
    const { source, items } = await listedSession(
      ['a', 'b', 'c'],
      [
        { expect: 'RETR 3', send: [mail('c')] },
        { expect: 'RETR 1', send: [mail('a')] },
      ],
    );
    const asked = [items[2], items[0]].filter((item) => item !== undefined);
    const fetched = await all(source.fetch(asked, LIMITS));
    expect(fetched.map((one) => one.item)).toEqual(asked);
    expect(fetched.map(shown)).toEqual(['Subject: c\r\n\r\nbody\r\n', 'Subject: a\r\n\r\nbody\r\n']);
  });

  it('goes on after a message that the server will not give', async () => {
    const { source, items } = await listedSession(
      ['a', 'b', 'c', 'd'],
      [
        { expect: 'RETR 1', send: ['-ERR message is deleted\r\n'] },
        { expect: 'RETR 2', send: ['-ERR open: no such file or directory\r\n'] },
        { expect: 'RETR 3', send: ['+OK\r\n.\r\n'] },
        { expect: 'RETR 4', send: [mail('d')] },
        QUIT,
      ],
    );
    const asked = [unlisted('never there'), ...items];
    expect((await all(source.fetch(asked, LIMITS))).map(shown)).toEqual([
      'gone',
      // It was listed in this session, so that is no proof; the next listing is.
      ['failed', 'the server says "message is deleted"'],
      ['failed', 'the server says "open: no such file or directory"'],
      ['failed', 'the server sent nothing of 100 bytes'],
      'Subject: d\r\n\r\nbody\r\n',
    ]);
    expect(await source.close('commit')).toBe('ok');
  });

  it.each([
    ['-ERR [SYS/TEMP] the store is down', 'rate'],
    ['-ERR [IN-USE] locked', 'busy'],
  ])('throws what %s means, because the next message would fare no better', async (reply, code) => {
    const { source, items } = await listedSession(
      ['a', 'b', 'c'],
      [
        { expect: 'RETR 1', send: [mail('a')] },
        { expect: 'RETR 2', send: [`${reply}\r\n`] },
      ],
    );
    const got: unknown[] = [];
    const reading = (async () => {
      for await (const one of source.fetch(items, LIMITS)) got.push(shown(one));
    })();
    expect(await mailError(reading)).toMatchObject({ code });
    expect(got).toEqual(['Subject: a\r\n\r\nbody\r\n']);
  });

  it('takes the server to be at fault after five refusals in a row, when it gives no other message either', async () => {
    const uidls = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const refusal = (number: number) => ({ expect: `RETR ${number}`, send: ['-ERR cannot read\r\n'] });
    const { source, items } = await listedSession(uidls, [
      refusal(1),
      { expect: 'RETR 2', send: [mail('b')] },
      ...[3, 4, 5, 6, 7].map(refusal),
      { expect: 'TOP 2 1', send: ['-ERR cannot read\r\n'] },
    ]);
    const got: string[] = [];
    const reading = (async () => {
      for await (const one of source.fetch(items, LIMITS)) got.push(one.kind);
    })();
    expect(await mailError(reading)).toMatchObject({ code: 'protocol' });
    expect(got).toEqual(['failed', 'raw', 'failed', 'failed', 'failed', 'failed']);
  });

  it('takes an empty message for what it is', async () => {
    const { source, items } = await listedSession(['a'], [{ expect: 'RETR 1', send: ['+OK\r\n.\r\n'] }], {
      sizes: [0],
    });
    expect((await all(source.fetch(items, LIMITS))).map(shown)).toEqual(['']);
  });

  it('asks for the head only of a message that LIST shows above the limit', async () => {
    const { source, items } = await listedSession(
      ['a', 'b'],
      [
        { expect: 'TOP 1 0', send: [`+OK\r\n${HEAD}.\r\n`] },
        { expect: 'RETR 2', send: [mail('b')] },
      ],
      { sizes: [5_000_000, 1_000] },
    );
    expect((await all(source.fetch(items, LIMITS))).map(shown)).toEqual([
      ['oversize', HEAD, 5_000_000],
      'Subject: b\r\n\r\nbody\r\n',
    ]);
  });

  it('reads a large message away for its head where there is no TOP', async () => {
    const { source, items } = await listedSession(
      ['a', 'b'],
      [
        { expect: 'RETR 1', send: [largeBody(5_000)] },
        { expect: 'RETR 2', send: [mail('b')] },
      ],
      { sizes: [5_000, 100], capabilities: ['USER', 'UIDL', 'PIPELINING'] },
    );
    expect((await all(source.fetch(items, LIMITS))).map(shown)).toEqual([
      ['oversize', HEAD, 5_000],
      'Subject: b\r\n\r\nbody\r\n',
    ]);
  });

  it('finds out by itself when LIST lied, and goes on with the next message', async () => {
    const { source, items } = await listedSession(
      ['a', 'b'],
      [{ expect: 'RETR 1', send: [largeBody(5_000)] }, { expect: 'RETR 2', send: [mail('b')] }, QUIT],
    );
    expect((await all(source.fetch(items, LIMITS))).map(shown)).toEqual([
      ['oversize', HEAD, 5_000],
      'Subject: b\r\n\r\nbody\r\n',
    ]);
    expect(await source.close('commit')).toBe('ok');
  });

  it('takes a message of exactly the limit whole, and one byte more for oversize', async () => {
    const { source, items } = await listedSession(
      ['a', 'b'],
      [
        { expect: 'RETR 1', send: [largeBody(1_000)] },
        { expect: 'RETR 2', send: [largeBody(1_001)] },
      ],
      { sizes: [1_000, 1_000] },
    );
    const fetched = await all(source.fetch(items, LIMITS));
    expect(fetched.map((one) => one.kind)).toEqual(['raw', 'oversize']);
  });

  it('gives up a message without end, yields its head all the same, and then the session is over', async () => {
    const endless: Step[] = [{ expect: 'RETR 1', send: [`+OK\r\n${HEAD}`, 'x'.repeat(20_000)] }];
    const { source, items } = await listedSession(['a', 'b'], endless, { limits: { maxDrainBytes: 10_000 } });
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const fetched of source.fetch(items, LIMITS)) seen.push(shown(fetched));
    })();
    const error = await mailError(reading);
    expect(seen).toEqual([['oversize', HEAD, HEAD.length + 20_000]]);
    expect(error).toMatchObject({ code: 'protocol' });
    expect(error.message).toContain('without end');
    expect(await source.close('commit')).toBe('unknown');
  });

  it('reads away what was asked for when the caller stops early, and the session goes on', async () => {
    const { source, items, server } = await listedSession(
      ['a', 'b', 'c'],
      [
        { expectAll: ['RETR 1', 'RETR 2', 'RETR 3'] },
        { send: [mail('a'), mail('b'), mail('c')] },
        { expect: 'DELE 1', send: ['+OK\r\n'] },
        QUIT,
      ],
    );
    for await (const fetched of source.fetch(items, LIMITS)) {
      expect(shown(fetched)).toContain('Subject: a');
      break;
    }
    const deletion = {
      key: 'k',
      source: { protocol: 'pop3', uidl: 'a' },
      action: { kind: 'delete' },
    } as const;
    expect(await source.settle([deletion])).toEqual([{ key: 'k', result: 'done', reason: null }]);
    expect(await source.close('commit')).toBe('ok');
    await server.finished();
  });

  it('never marks anything: no DELE, and no QUIT of its own', async () => {
    const { source, items, server } = await listedSession(['a'], [{ expect: 'RETR 1', send: [mail('a')] }]);
    await all(source.fetch(items, LIMITS));
    expect(server.received.slice(-2)).toEqual(['LIST', 'RETR 1']);
  });
});

describe('heads()', () => {
  it('gives header sections in the order given, and null for a message that has none to give', async () => {
    const { source, items } = await listedSession(
      ['a', 'b'],
      [
        { expect: 'TOP 1 0', send: [`+OK\r\n${HEAD}a line of the body\r\n.\r\n`] },
        { expect: 'TOP 2 0', send: ['-ERR not that one\r\n'] },
      ],
    );
    const heads = await all(source.heads([...items, unlisted('never there')]));
    expect(heads.map(({ head }) => head?.toString() ?? null)).toEqual([HEAD, null, null]);
  });

  it('gives null without asking a server that offers no TOP', async () => {
    const { source, items, server } = await listedSession(['a'], [], {
      capabilities: ['USER', 'UIDL', 'PIPELINING'],
    });
    expect(await all(source.heads(items))).toEqual([{ item: items[0], head: null }]);
    expect(server.received.at(-1)).toBe('LIST');
  });

  it('asks a server without CAPA, which may have TOP all the same', async () => {
    const { source, items } = await listedSession(
      ['a'],
      [{ expect: 'TOP 1 0', send: [`+OK\r\n${HEAD}.\r\n`] }],
      {
        capabilities: null,
      },
    );
    expect((await all(source.heads(items)))[0]?.head?.toString()).toBe(HEAD);
  });
});

describe('headOf()', () => {
  it.each([
    ['A: b\r\n\r\nbody\r\n\r\nmore', 'A: b\r\n\r\n'],
    ['A: b\n\nbody\r\n\r\n', 'A: b\n\n'],
    ['\r\nbody\r\n\r\n', '\r\n'],
    ['A: b\r\nno end', 'A: b\r\nno end'],
    ['', ''],
  ])('cuts %j behind its blank line', (message, head) => {
    expect(headOf(Buffer.from(message)).toString()).toBe(head);
  });
});
