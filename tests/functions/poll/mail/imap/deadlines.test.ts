import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Egress } from '../../../../../shared/egress/egress.ts';
import {
  answer,
  bodyRow,
  brief,
  cleanUpAfterEach,
  collect,
  item,
  listRow,
  loggedIn,
  loopback,
  mailError,
  open,
  opened,
  scripted,
} from './imap-support.ts';

cleanUpAfterEach();

const LIMITS = { maxSizeBytes: 1_000_000 };
const rejections: unknown[] = [];
const onRejection = (reason: unknown) => rejections.push(reason);

beforeEach(() => {
  process.on('unhandledRejection', onRejection);
});
afterEach(() => {
  process.off('unhandledRejection', onRejection);
  expect(rejections.splice(0)).toEqual([]);
});

describe('a login that takes too long', () => {
  it('ends when there is no greeting', async () => {
    const server = await scripted([]);

    expect(await mailError(open(server))).toMatchObject({
      code: 'network',
      message: expect.stringContaining('greeting'),
    });
  });

  it('ends when the greeting trickles in', async () => {
    const server = await scripted([{ trickle: `* OK ${'x'.repeat(10_000)}`, everyMs: 5 }]);

    expect((await mailError(open(server))).code).toBe('network');
  });

  it('ends when the answers trickle in, though the line is never idle', async () => {
    const server = await scripted([
      { send: ['* OK Ready\r\n'] },
      { expect: /CAPABILITY/ },
      { trickle: `* CAPABILITY ${'X'.repeat(10_000)}`, everyMs: 5 },
    ]);

    const error = await mailError(open(server, { deadlines: { openMs: 400 } }));

    expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('not done within') });
  });

  it('ends when the server is silent after the greeting', async () => {
    const server = await scripted([{ send: ['* OK Ready\r\n'] }]);

    expect((await mailError(open(server))).code).toBe('network');
  });

  it('ends when the name is not resolved', async () => {
    const stuck: Egress = { ...loopback, resolve: () => new Promise(() => undefined) };

    const error = await mailError(open({ port: 1 }, { egress: stuck, deadlines: { openMs: 100 } }));

    expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('DNS') });
  });

  it('ends when the TLS handshake stalls', async () => {
    const server = await scripted([]);

    const error = await mailError(open(server, { security: 'tls', deadlines: { connectMs: 150 } }));

    expect(error.code).toBe('network');
  });
});

describe('a command that takes too long', () => {
  it('ends when SELECT is not answered', async () => {
    const server = await scripted(loggedIn());
    const source = await open(server);

    expect((await mailError(source.list('INBOX', null))).code).toBe('network');
    // What ended the session is told by all that follows.
    expect((await mailError(source.mailboxes())).message).toMatch(/^Cannot open the mailbox "INBOX"/);
  });

  it('ends when the listing trickles in', async () => {
    const server = await scripted([
      ...loggedIn(),
      ...opened(),
      { expect: /FETCH/ },
      { trickle: `* 1 FETCH (UID 1 FLAGS (${'x'.repeat(10_000)}`, everyMs: 5 },
    ]);
    const source = await open(server);

    expect(await mailError(source.list('INBOX', null))).toMatchObject({
      code: 'network',
      message: expect.stringContaining('Cannot list the mailbox "INBOX"'),
    });
  });

  it('ends when a body trickles in, and hands on what was complete', async () => {
    const server = await scripted([
      ...loggedIn(),
      ...opened(),
      answer('UID FETCH 1:3 .*', [listRow(1), listRow(2), listRow(3)]),
      { expect: /UID FETCH/, send: [bodyRow(1, 'one'), '* 2 FETCH (UID 2 BODY[]<0> {10000}\r\n'] },
      { trickle: 'y'.repeat(10_000), everyMs: 5 },
    ]);
    const source = await open(server, { deadlines: { minBytesPerSecond: 1_000_000_000 } });
    await source.list('INBOX', null);

    const got: string[] = [];
    const error = await mailError(
      (async () => {
        for await (const fetched of source.fetch([item(1), item(2)], LIMITS)) got.push(brief(fetched));
      })(),
    );

    expect(got).toEqual(['raw 1 one']);
    expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('not done within') });
  });

  it('ends when a literal stalls in the middle', async () => {
    const server = await scripted([
      ...loggedIn(),
      ...opened(),
      answer('UID FETCH 1:3 .*', [listRow(1)]),
      { expect: /UID FETCH/, send: ['* 1 FETCH (UID 1 BODY[]<0> {100}\r\nhalf of it'] },
    ]);
    const source = await open(server);
    await source.list('INBOX', null);

    expect((await mailError(collect(source.fetch([item(1)], LIMITS)))).code).toBe('network');
  });

  it('LOGOUT that is not answered does not hold the end up', async () => {
    const server = await scripted(loggedIn());
    const source = await open(server);

    expect(await source.close('commit')).toBe('unknown');
    await server.finished();
  });
});

describe('the signal', () => {
  it('ends a session in the middle of a FETCH at once', async () => {
    const abort = new AbortController();
    const server = await scripted([
      ...loggedIn(),
      ...opened(),
      answer('UID FETCH 1:3 .*', [listRow(1)]),
      {
        expect: /UID FETCH/,
        send: () => {
          setImmediate(() => abort.abort());
          return ['* 1 FETCH (UID 1 BODY[]<0> {100}\r\nhalf of it'];
        },
      },
    ]);
    const source = await open(server, { signal: abort.signal, deadlines: { commandMs: 60_000 } });
    await source.list('INBOX', null);

    const error = await mailError(collect(source.fetch([item(1)], LIMITS)));

    expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('ended from here') });
    await server.finished();
    expect(await source.close('commit')).toBe('unknown');
  });

  it('ends a login', async () => {
    const abort = new AbortController();
    const aborting = () => {
      setImmediate(() => abort.abort());
      return [];
    };
    const server = await scripted([{ send: ['* OK Ready\r\n'] }, { expect: /CAPABILITY/, send: aborting }]);
    const deadlines = { openMs: 60_000, commandMs: 60_000 };

    const error = await mailError(open(server, { signal: abort.signal, deadlines }));

    expect(error.message).toContain('ended from here');
    await server.finished();
  });
});

describe('throttling', () => {
  it('of a FETCH ends the session with the hint instead of waiting it out', async () => {
    const server = await scripted([
      ...loggedIn(),
      ...opened(),
      answer('UID FETCH 1:3 .*', [listRow(1), listRow(2)]),
      answer(
        'UID FETCH .*',
        [bodyRow(1, 'one')],
        'BAD Request is throttled. Suggested Backoff Time: 201317 milliseconds',
      ),
    ]);
    const source = await open(server, { deadlines: { commandMs: 60_000 } });
    await source.list('INBOX', null);

    const got: string[] = [];
    const error = await mailError(
      (async () => {
        for await (const fetched of source.fetch([item(1), item(2)], LIMITS)) got.push(brief(fetched));
      })(),
    );

    expect(got).toEqual(['raw 1 one']);
    expect(error).toMatchObject({ code: 'rate', retryAfterMs: 201_317 });
  });
});

it('BYE in the middle of a command is told with its words', async () => {
  const server = await scripted([
    ...loggedIn(),
    ...opened(),
    answer('UID FETCH 1:3 .*', ['* BYE Server is shutting down'], null),
    { end: 'fin' },
  ]);
  const source = await open(server);

  expect(await mailError(source.list('INBOX', null))).toMatchObject({
    code: 'busy',
    message: expect.stringMatching(/^Cannot list the mailbox "INBOX".*shutting down/),
  });
});

it('a connection that is reset rejects and leaves the process alive', async () => {
  const server = await scripted([...loggedIn(), ...opened(), { expect: /FETCH/ }, { end: 'reset' }]);
  const source = await open(server);

  expect((await mailError(source.list('INBOX', null))).code).toBe('network');
  expect(await source.close('commit')).toBe('unknown');
});
