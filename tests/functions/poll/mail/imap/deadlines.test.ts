import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Egress } from '../../../../../shared/egress/egress.ts';
import { LIMITS, untilError } from './fetch-support.ts';
import { answer, bodyRow, listRow, loggedIn, opened } from './imap-script.ts';
import {
  cleanUpAfterEach,
  collect,
  item,
  loopback,
  mailError,
  open,
  patience,
  scripted,
} from './imap-support.ts';

cleanUpAfterEach();

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
    const deadlines = patience({ greetingMs: 150 });

    expect(await mailError(open(server, { deadlines }))).toMatchObject({
      code: 'network',
      message: expect.stringContaining('greeting'),
    });
  });

  it('ends when the greeting trickles in', async () => {
    const server = await scripted([{ trickle: `* OK ${'x'.repeat(10_000)}`, everyMs: 5 }]);
    const deadlines = patience({ greetingMs: 150 });

    expect((await mailError(open(server, { deadlines }))).code).toBe('network');
  });

  it('ends when the answers trickle in, though the line is never idle', async () => {
    const server = await scripted([
      { send: ['* OK Ready\r\n'] },
      { expect: /CAPABILITY/ },
      { trickle: `* CAPABILITY ${'X'.repeat(10_000)}`, everyMs: 5 },
    ]);
    const deadlines = patience({ openMs: 400 });

    const error = await mailError(open(server, { deadlines }));

    expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('not done within') });
  });

  it('ends when the server is silent after the greeting', async () => {
    const server = await scripted([{ send: ['* OK Ready\r\n'] }]);
    const deadlines = patience({ commandMs: 200 });

    expect((await mailError(open(server, { deadlines }))).code).toBe('network');
  });

  it('ends when the name is not resolved', async () => {
    const stuck: Egress = { ...loopback, resolve: () => new Promise(() => undefined) };
    const deadlines = patience({ openMs: 100 });

    const error = await mailError(open({ port: 1 }, { egress: stuck, deadlines }));

    expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('DNS') });
  });

  it('ends when the TLS handshake stalls', async () => {
    const server = await scripted([]);
    const deadlines = patience({ connectMs: 150 });

    expect((await mailError(open(server, { security: 'tls', deadlines }))).code).toBe('network');
  });
});

describe('a command that takes too long', () => {
  /** Deadlines that become short when `hurry` is called: what comes before is not what the test is about. */
  function deadlinesToCome() {
    const deadlines = patience();
    const hurry = () => {
      deadlines.commandMs = 200;
      deadlines.minBytesPerSecond = 1_000_000_000;
    };
    return { deadlines, hurry };
  }

  it('ends when SELECT is not answered', async () => {
    const { deadlines, hurry } = deadlinesToCome();
    const server = await scripted(loggedIn());
    const source = await open(server, { deadlines });
    hurry();

    expect((await mailError(source.list('INBOX', null))).code).toBe('network');
    // What ended the session is told by all that follows.
    expect((await mailError(source.list('INBOX', null))).message).toMatch(/^Cannot open the mailbox "INBOX"/);
  });

  it('ends when the listing trickles in', async () => {
    const { deadlines, hurry } = deadlinesToCome();
    const server = await scripted([
      ...loggedIn(),
      ...opened({ before: hurry }),
      { expect: /FETCH/ },
      { trickle: `* 1 FETCH (UID 1 FLAGS (${'x'.repeat(10_000)}`, everyMs: 5 },
    ]);
    const source = await open(server, { deadlines });

    expect(await mailError(source.list('INBOX', null))).toMatchObject({
      code: 'network',
      message: expect.stringContaining('Cannot list the mailbox "INBOX"'),
    });
  });

  it('ends when a body trickles in, and hands on what was complete', async () => {
    const { deadlines, hurry } = deadlinesToCome();
    const server = await scripted([
      ...loggedIn(),
      ...opened(),
      answer('UID FETCH 1:3 .*', [listRow(1), listRow(2), listRow(3)], 'OK Done', hurry),
      { expect: /UID FETCH/, send: [bodyRow(1, 'one'), '* 2 FETCH (UID 2 BODY[]<0> {10000}\r\n'] },
      { trickle: 'y'.repeat(10_000), everyMs: 5 },
    ]);
    const source = await open(server, { deadlines });
    await source.list('INBOX', null);

    const { got, error } = await untilError(source, [1, 2]);

    expect(got).toEqual(['raw 1 one']);
    expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('not done within') });
  });

  it('ends when a literal stalls in the middle', async () => {
    const { deadlines, hurry } = deadlinesToCome();
    const server = await scripted([
      ...loggedIn(),
      ...opened(),
      answer('UID FETCH 1:3 .*', [listRow(1)], 'OK Done', hurry),
      { expect: /UID FETCH/, send: ['* 1 FETCH (UID 1 BODY[]<0> {100}\r\nhalf of it'] },
    ]);
    const source = await open(server, { deadlines });
    await source.list('INBOX', null);

    expect((await untilError(source, [1])).error.code).toBe('network');
  });

  it('LOGOUT that is not answered does not hold the end up', async () => {
    const server = await scripted(loggedIn());
    const source = await open(server, { deadlines: patience({ logoutMs: 100 }) });

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
    const source = await open(server, { signal: abort.signal });
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

    const error = await mailError(open(server, { signal: abort.signal }));

    expect(error.message).toContain('ended from here');
    await server.finished();
  });
});

it('throttling of a FETCH ends the session with the hint instead of waiting it out', async () => {
  const throttled = 'BAD Request is throttled. Suggested Backoff Time: 201317 milliseconds';
  const server = await scripted([
    ...loggedIn(),
    ...opened(),
    answer('UID FETCH 1:3 .*', [listRow(1), listRow(2)]),
    answer('UID FETCH .*', [bodyRow(1, 'one')], throttled),
  ]);
  const source = await open(server);
  await source.list('INBOX', null);

  const { got, error } = await untilError(source, [1, 2]);

  expect(got).toEqual(['raw 1 one']);
  expect(error).toMatchObject({ code: 'rate', retryAfterMs: 201_317 });
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
