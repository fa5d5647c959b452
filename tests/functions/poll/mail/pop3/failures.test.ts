import { describe, expect, it } from 'vitest';
import { openPop3Source } from '../../../../../functions/poll/mail/pop3/pop3-source.ts';
import type { Egress } from '../../../../../shared/egress/egress.ts';
import type { MailLogin } from '../../../../../shared/ports/mail-source.ts';
import type { Step } from '../../../../support/scripted-server.ts';
import {
  all,
  cleanUpAfterEach,
  listed,
  listedSession,
  loggedIn,
  loginTo,
  loopback,
  mailError,
  multiline,
  open,
  PATIENT,
  QUICK,
  scripted,
} from './pop3-support.ts';

cleanUpAfterEach();

const LIMITS = { maxSizeBytes: 1_000_000 };
const HALF = '+OK\r\nSubject: x\r\n\r\nhalf a li';
/** Does something some turns of the event loop later, when the client waits again. */
function afterTurns(what: () => void, ...chunks: string[]): () => string[] {
  const turn = (left: number): unknown => (left === 0 ? what() : setImmediate(turn, left - 1));
  return () => {
    turn(20);
    return chunks;
  };
}

const SLOW = { trickle: 'x'.repeat(10_000), everyMs: 15 };

async function fetchFails(steps: readonly Step[]) {
  const { source, items, server } = await listedSession(['a', 'b'], steps, { limits: QUICK });
  const error = await mailError(all(source.fetch(items, LIMITS)));
  return { error, source, items, server };
}

describe('a server that fails in the middle of a message', () => {
  it.each<[string, readonly Step[], string]>([
    ['closes', [{ expect: 'RETR 1', send: [HALF] }, { end: 'fin' }], 'closed the connection'],
    ['resets', [{ expect: 'RETR 1', send: [HALF] }, { end: 'reset' }], 'reset'],
    ['falls silent', [{ expect: 'RETR 1', send: [HALF] }], 'too slowly or not at all'],
    ['trickles', [{ expect: 'RETR 1', send: [HALF] }, SLOW], 'too slowly or not at all'],
    ['closes before its status line', [{ expect: 'RETR 1' }, { end: 'fin' }], 'closed the connection'],
    ['trickles its status line', [{ expect: 'RETR 1' }, SLOW], 'too slowly or not at all'],
    ['sends no status line', [{ expect: 'RETR 1', send: ['Subject: x\r\n'] }], 'is no POP3 reply'],
  ])('%s: the fetch rejects, and nothing is said of QUIT', async (_what, steps, text) => {
    const { error, source, items, server } = await fetchFails(steps);
    expect(error.message).toContain(text);
    expect(error.message).toContain('RETR 1');
    // The connection is dropped by now, not only when somebody closes the session.
    await server.finished();
    expect(await source.close('commit')).toBe('unknown');
    expect(server.received).not.toContain('QUIT');
    expect(await mailError(all(source.fetch(items, LIMITS)))).toBeDefined();
  });

  it('yields the messages that came whole before it', async () => {
    const { source, items } = await listedSession(
      ['a', 'b'],
      [
        { expect: 'RETR 1', send: ['+OK\r\nwhole\r\n.\r\n'] },
        { expect: 'RETR 2', send: [HALF] },
        { end: 'fin' },
      ],
    );
    const kinds: string[] = [];
    const reading = (async () => {
      for await (const fetched of source.fetch(items, LIMITS)) kinds.push(fetched.kind);
    })();
    expect(await mailError(reading)).toMatchObject({ code: 'network' });
    expect(kinds).toEqual(['raw']);
  });
});

describe('a server that fails at its greeting', () => {
  it('gives its words when it refuses, however they are cut', async () => {
    const server = await scripted([{ send: ['-', 'ERR [IN-USE] too ma', 'ny\r\n'] }, { end: 'fin' }]);
    const error = await mailError(open(server));
    expect(error).toMatchObject({ code: 'busy' });
    expect(error.message).toContain('[IN-USE] too many');
  });

  it('takes too many connections for rate', async () => {
    const server = await scripted([{ send: ['-ERR too many connections\r\n'] }, { end: 'fin' }]);
    expect(await mailError(open(server))).toMatchObject({ code: 'rate' });
  });

  it.each<[string, readonly Step[]]>([
    ['never sends it', []],
    ['sends it byte by byte', [{ trickle: '+OK and so on and on and on and on and on', everyMs: 20 }]],
    ['closes', [{ end: 'fin' }]],
    ['resets', [{ end: 'reset' }]],
  ])('%s: rejects as network', async (_what, steps) => {
    const server = await scripted(steps);
    expect(await mailError(open(server, { limits: QUICK }))).toMatchObject({ code: 'network' });
  });

  it.each([
    ['* OK [CAPABILITY IMAP4rev1] ready\r\n', '--protocol imap'],
    ['SSH-2.0-OpenSSH_9.6\r\n', 'is no POP3 reply'],
    ['220 smtp.test ESMTP\r\n', 'is no POP3 reply'],
  ])('says that %j is no POP3 server', async (greeting, text) => {
    const server = await scripted([{ send: [greeting] }]);
    const error = await mailError(open(server));
    expect(error).toMatchObject({ code: 'protocol' });
    expect(error.message).toContain(text);
    expect(error.message).not.toContain('--security');
    expect(server.received).toEqual([]);
  });

  it('reports a refused connection', async () => {
    const server = await scripted([]);
    const { port } = server;
    await server.close();
    for (const security of ['none', 'tls'] as const) {
      const error = await mailError(open({ port }, { security }));
      expect(error).toMatchObject({ code: 'network' });
      expect(error.message).toContain('connection refused');
    }
  });

  it('reports a name that is not there', async () => {
    const nowhere: Egress = {
      ...loopback,
      resolve: () => Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })),
    };
    const error = await mailError(
      openPop3Source(nowhere, PATIENT)(loginTo(110), new AbortController().signal),
    );
    expect(error).toMatchObject({ code: 'network' });
    expect(error.message).toContain('no such host');
  });

  it('does not wait for a resolver longer than for a connection', async () => {
    const stuck: Egress = { ...loopback, resolve: () => new Promise(() => undefined) };
    const limits = { ...PATIENT, connectTimeoutMs: 40 };
    const error = await mailError(openPop3Source(stuck, limits)(loginTo(110), new AbortController().signal));
    expect(error).toMatchObject({ code: 'network' });
  });
});

describe('a session between two calls', () => {
  it('does not take a line that nobody asked for as the reply to the next command', async () => {
    const unasked = '-ERR Disconnected for inactivity\r\n';
    const list = { expect: 'LIST', send: [`${multiline('', ['1 100'])}${unasked}`] };
    const server = await scripted([...loggedIn(), ...listed(['a'], null), list, { end: 'fin' }]);
    const source = await open(server);
    await source.list('', null);
    const error = await mailError(
      source.settle([{ key: 'k', source: { protocol: 'pop3', uidl: 'a' }, action: { kind: 'delete' } }]),
    );
    expect(error.message).toContain('Disconnected for inactivity');
    expect(await source.close('commit')).toBe('unknown');
    expect(server.received).not.toContain('DELE 1');
  });

  it('ends as a whole at its own deadline, whatever it does', async () => {
    const server = await scripted([...loggedIn(), { expect: 'STAT' }]);
    const source = await open(server, {
      limits: { sessionTimeoutMs: 150 },
    });
    const error = await mailError(source.list('', null));
    expect(error).toMatchObject({ code: 'network' });
    expect(error.message).toContain('the session took 0.15 s');
  });

  it('ends at once when the signal says so, whatever it does', async () => {
    const stop = new AbortController();
    const stopNow = () => {
      stop.abort();
      return [];
    };
    const server = await scripted([...loggedIn(), { expect: 'STAT', send: stopNow }]);
    const source = await open(server, { signal: stop.signal });
    expect((await mailError(source.list('', null))).message).toContain('the session was stopped');
    expect(await source.close('commit')).toBe('unknown');
    await server.finished();
  });

  it.each<[string, Partial<MailLogin>, (stop: () => void) => Step[]]>([
    ['before the greeting', {}, (stop) => [{ send: afterTurns(stop) }]],
    ['in the login', {}, (stop) => [{ send: ['+OK\r\n'] }, { expect: 'CAPA', send: afterTurns(stop) }]],
    [
      'in the TLS handshake',
      { security: 'starttls' },
      (stop) => [{ send: ['+OK\r\n'] }, { expect: 'STLS', send: afterTurns(stop, '+OK\r\n') }],
    ],
  ])('does not open when the signal says so %s', async (_when, login, steps) => {
    const stop = new AbortController();
    const server = await scripted(steps(() => stop.abort()));
    const opening = open(server, { ...login, signal: stop.signal });
    const message = `Cannot go on with "localhost:${server.port}": the session was stopped`;
    expect((await mailError(opening)).message).toBe(message);
    expect((await mailError(open(server, { ...login, signal: stop.signal }))).message).toBe(message);
    expect(server.connections).toBe(1);
  });
});

describe('close()', () => {
  it.each<[string, readonly Step[], 'ok' | 'unknown']>([
    ['+OK', [{ expect: 'QUIT', send: ['+', 'OK bye\r\n'] }], 'ok'],
    [
      '-ERR, which may have deleted a part',
      [{ expect: 'QUIT', send: ['-ERR some not removed\r\n'] }],
      'unknown',
    ],
    ['the end of the connection', [{ expect: 'QUIT' }, { end: 'fin' }], 'unknown'],
    ['a reset', [{ expect: 'QUIT' }, { end: 'reset' }], 'unknown'],
    ['nothing', [{ expect: 'QUIT' }], 'unknown'],
    ['a continuation', [{ expect: 'QUIT', send: ['+ more\r\n'] }], 'unknown'],
  ])('commit answers by the reply to QUIT: %s', async (_what, steps, answer) => {
    const server = await scripted([...loggedIn(), ...steps]);
    const source = await open(server, { limits: QUICK });
    expect(await source.close('commit')).toBe(answer);
    expect(await source.close('abort')).toBe(answer);
  });

  it('abort drops the connection without QUIT', async () => {
    const server = await scripted([...loggedIn(), ...listed(['a'], [1])]);
    const source = await open(server);
    await source.list('', null);
    expect(await source.close('abort')).toBe('unknown');
    await server.finished();
    expect(server.received).not.toContain('QUIT');
  });
});
