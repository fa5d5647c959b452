import { describe, expect, it } from 'vitest';
import type { Fetched } from '../../../../../shared/ports/mail-source.ts';
import type { Step } from '../../../../support/scripted-server.ts';
import { all, cleanUpAfterEach, listedSession } from './pop3-support.ts';

cleanUpAfterEach();

const LIMITS = { maxSizeBytes: 30_000_000 };
const uidls = (count: number) => Array.from({ length: count }, (_, index) => `u${index}`);
const retr = (times: number): Step => ({
  expect: /^RETR (\d+)$/,
  times,
  send: ([, number]) => [`+OK\r\nmail ${number}\r\n.\r\n`],
});
const text = (fetched: Fetched) => (fetched.kind === 'raw' ? fetched.bytes.toString().trim() : fetched.kind);

/** The most RETRs that were on their way at one time. */
function mostAhead(arrivals: readonly { line: string; answered: number }[]): number {
  const retrs = arrivals.filter(({ line }) => line.startsWith('RETR'));
  const before = retrs[0]?.answered ?? 0;
  return Math.max(...retrs.map(({ answered }, index) => index + 1 - (answered - before)));
}

describe('pipelining', () => {
  it('sends commands ahead of the replies where the server offers it', async () => {
    const steps: Step[] = [
      { expectAll: ['RETR 1', 'RETR 2', 'RETR 3'] },
      { send: ['+OK\r\nmail 1\r\n.\r\n+O', 'K\r\nmail 2\r\n.\r', '\n+OK\r\nmail 3\r\n.\r\n'] },
    ];
    const { source, items } = await listedSession(uidls(3), steps);
    expect((await all(source.fetch(items, LIMITS))).map(text)).toEqual(['mail 1', 'mail 2', 'mail 3']);
  });

  it.each([
    ['does not offer it', ['USER', 'UIDL', 'TOP']],
    ['has no CAPA', null],
  ])('sends one command at a time to a server that %s', async (_what, capabilities) => {
    const { source, items, server } = await listedSession(uidls(20), [retr(20)], { capabilities });
    expect(await all(source.fetch(items, LIMITS))).toHaveLength(20);
    expect(mostAhead(server.arrivals)).toBe(1);
  });

  it('has no more commands on their way than the window, and fills it again', async () => {
    const { source, items, server } = await listedSession(uidls(200), [retr(200)], {
      limits: { windowCount: 10 },
    });
    const fetched = await all(source.fetch(items, LIMITS));
    expect(fetched.map(text)).toEqual(uidls(200).map((_, index) => `mail ${index + 1}`));
    expect(mostAhead(server.arrivals)).toBe(10);
  });

  it('has no more bytes on their way than the window, by the sizes of LIST', async () => {
    const { source, items, server } = await listedSession(uidls(20), [retr(20)], {
      sizes: Array.from({ length: 20 }, () => 1_000_000),
      limits: { windowBytes: 3_000_000 },
    });
    await all(source.fetch(items, LIMITS));
    expect(mostAhead(server.arrivals)).toBe(3);
  });

  it('asks for a message larger than the window all the same', async () => {
    const { source, items } = await listedSession(uidls(2), [retr(2)], {
      sizes: [9_000_000, 9_000_000],
      limits: { windowBytes: 3_000_000 },
    });
    expect(await all(source.fetch(items, LIMITS))).toHaveLength(2);
  });

  it('deletes in one go', async () => {
    const numbers = uidls(5).map((_, index) => `DELE ${index + 1}`);
    const { source } = await listedSession(uidls(5), [
      { expectAll: numbers },
      { send: [numbers.map(() => '+OK\r\n').join('')] },
    ]);
    const actions = uidls(5).map((uidl) => ({
      key: uidl,
      source: { protocol: 'pop3', uidl } as const,
      action: { kind: 'delete' } as const,
    }));
    expect((await source.settle(actions)).map(({ result }) => result)).toEqual(uidls(5).map(() => 'done'));
  });

  it('leaves the server with its bytes while the caller does not pull', async () => {
    const megabyte = Buffer.alloc(1_000_000, 'x');
    const { source, items, server } = await listedSession(uidls(60), [
      { expect: 'RETR 1', send: ['+OK\r\nfirst\r\n.\r\n'] },
      { expect: /^RETR/, times: 59, send: ['+OK\r\n', megabyte, '\r\n.\r\n'] },
    ]);
    const fetching = source.fetch(items, LIMITS)[Symbol.asyncIterator]();
    await fetching.next();
    for (let turn = 0; turn < 2_000; turn += 1) await new Promise(setImmediate);
    // 1 MB is read ahead; the rest lies in the buffers of two sockets.
    expect(server.sentBytes).toBeLessThan(20_000_000);
    for (let count = 1; count < 60; count += 1) {
      expect((await fetching.next()).value).toMatchObject({ kind: 'raw', bytes: { length: 1_000_002 } });
    }
    expect(server.sentBytes).toBeGreaterThan(59_000_000);
  });
});
