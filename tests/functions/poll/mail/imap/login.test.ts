import { lookup } from 'node:dns/promises';
import { describe, expect, it } from 'vitest';
import { type Egress, EgressError } from '../../../../../shared/egress/egress.ts';
import type { Step } from '../../../../support/scripted-server.ts';
import { answer, loggedIn } from './imap-script.ts';
import { cleanUpAfterEach, loopback, mailError, open, scripted, served } from './imap-support.ts';

cleanUpAfterEach();

const GREETED: Step[] = [{ send: ['* OK Ready\r\n'] }, answer('CAPABILITY', ['* CAPABILITY IMAP4rev1'])];

describe('the server refuses the login', () => {
  it.each([
    ['NO [AUTHENTICATIONFAILED] Authentication failed.', 'auth'],
    ['NO [AUTHORIZATIONFAILED] You may not', 'auth'],
    ['NO [EXPIRED] The password has expired', 'auth'],
    ['NO [WEBALERT https://example.com/] Web login required', 'auth'],
    ['NO Login failed', 'auth'],
    ['NO [ALERT] Invalid credentials (Failure)', 'auth'],
    ['BAD Invalid user name or password', 'auth'],
    ['NO [LIMIT] Maximum number of connections exceeded', 'rate'],
    ['NO [OVERQUOTA] Account exceeded command or bandwidth limits', 'rate'],
    ['NO [ALERT] Too many simultaneous connections. (Failure)', 'rate'],
    ['NO [UNAVAILABLE] Temporary authentication failure', 'busy'],
    ['NO [INUSE] The mailbox is in use', 'busy'],
    ['NO User is authenticated but not connected.', 'busy'],
    ['NO [SERVERBUG] Internal error occurred', 'busy'],
    ['NO [PRIVACYREQUIRED] Plaintext authentication disallowed', 'tls'],
    ['BAD Must issue a STARTTLS command first', 'tls'],
    ['BAD What?', 'protocol'],
  ])('%s is %s', async (completion, code) => {
    const server = await scripted([...GREETED, answer('LOGIN .*', [], completion)]);

    const error = await mailError(open(server));

    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^Cannot log in at localhost:\d+: /);
  });

  it('a throttled login says for how long, and does not sit the time out', async () => {
    const throttled = 'BAD Request is throttled. Suggested Backoff Time: 201317 milliseconds';
    const server = await scripted([...GREETED, answer('LOGIN .*', [], throttled)]);

    const error = await mailError(open(server));

    expect(error).toMatchObject({ code: 'rate', retryAfterMs: 201_317 });
  });

  it('LOGINDISABLED sends no password', async () => {
    const server = await scripted([
      { send: ['* OK Ready\r\n'] },
      answer('CAPABILITY', ['* CAPABILITY IMAP4rev1 LOGINDISABLED STARTTLS']),
    ]);

    const error = await mailError(open(server));

    expect(error.code).toBe('tls');
    expect(server.received.join()).not.toContain('s3cret');
  });

  it.each([
    ['* BYE Too many connections from your address\r\n', 'rate'],
    ['* BYE Temporary system problem, try again later\r\n', 'busy'],
    ['* BYE Go away\r\n', 'busy'],
  ])('a greeting of %j is %s', async (greeting, code) => {
    const server = await scripted([{ send: [greeting] }, { end: 'fin' }]);

    expect(await mailError(open(server))).toMatchObject({
      code,
      message: expect.stringContaining('ended the session'),
    });
  });

  it('BYE in the middle of the login is told with its words', async () => {
    const server = await scripted([
      ...GREETED,
      answer('LOGIN .*', ['* BYE Shutting down'], null),
      { end: 'fin' },
    ]);

    const error = await mailError(open(server));

    expect(error).toMatchObject({ code: 'busy', message: expect.stringContaining('Shutting down') });
  });

  it('a server that echoes the password does not get it into the message', async () => {
    const plain = Buffer.from('\0ana\0s3cret').toString('base64');
    const text = `NO Bad: s3cret ${plain} \u0007\u001b[31m${'x'.repeat(1000)}`;
    const server = await scripted([...GREETED, answer('LOGIN .*', [], text)]);

    const { message } = await mailError(open(server));

    expect(message).not.toContain('s3cret');
    expect(message).not.toContain(plain);
    expect(message).toMatch(/^[ -~…]{1,400}$/);
  });
});

describe('the login is not even tried', () => {
  it.each([
    [{ password: 's3cret\r\nA1 DELETE INBOX' }, 'auth'],
    [{ username: 'ana\nx' }, 'auth'],
    [{ password: 'nul\0' }, 'auth'],
    [{ password: '' }, 'auth'],
  ])('with %j', async (change, code) => {
    const server = await scripted([]);

    const error = await mailError(open(server, change));

    expect(error.code).toBe(code);
    expect(error.message).not.toContain('DELETE');
    expect(server.connections).toBe(0);
  });

  it('when the egress guard refuses the address', async () => {
    const guard: Egress = {
      ...loopback,
      resolve: async () => {
        throw new EgressError('169.254.169.254 is a link-local address');
      },
    };
    const server = await scripted([]);

    expect(await mailError(open(server, { egress: guard }))).toMatchObject({
      code: 'egress',
      message: expect.stringContaining('169.254.169.254'),
    });
    expect(server.connections).toBe(0);
  });

  it('when the name does not exist', async () => {
    const resolving: Egress = {
      ...loopback,
      resolve: async (host) => {
        const { address } = await lookup(host);
        return [{ address, family: 4 }];
      },
    };

    const error = await mailError(open({ port: 1 }, { egress: resolving, host: 'nowhere.invalid' }));

    expect(error.code).toBe('network');
    expect(error.message).toContain('nowhere.invalid');
  });

  it('when nothing listens there', async () => {
    const server = await scripted([]);
    await server.close();

    const error = await mailError(open(server));

    expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('ECONNREFUSED') });
  });

  it('when the session was ended before it began', async () => {
    const server = await scripted([]);

    expect((await mailError(open(server, { signal: AbortSignal.abort() }))).code).toBe('network');
    expect(server.connections).toBe(0);
  });
});

describe('a host with several addresses', () => {
  const twoAddresses: Egress = {
    ...loopback,
    // Nothing listens on the port at 127.0.0.2: the servers of these tests are at 127.0.0.1 alone.
    resolve: async () => [
      { address: '127.0.0.2', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ],
  };

  it('is reached at the second when the first does not answer', async () => {
    const server = await served();

    const source = await open(server, { egress: twoAddresses });

    expect((await source.list('INBOX', null)).exists).toBe(0);
  });

  it('is not tried again once the login was refused', async () => {
    const server = await scripted([...GREETED, answer('LOGIN .*', [], 'NO [AUTHENTICATIONFAILED] No')]);
    const sameTwice: Egress = {
      ...loopback,
      resolve: async () => [
        { address: '127.0.0.1', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
    };

    await mailError(open(server, { egress: sameTwice }));

    expect(server.connections).toBe(1);
  });
});

it('logs in with SASL PLAIN where it is offered, and with any UTF-8 password', async () => {
  const server = await served({ password: 'pässwörd "\\ 密' });

  const source = await open(server, { password: 'pässwörd "\\ 密' });

  expect((await source.list('INBOX', null)).exists).toBe(0);
});

it('sends no COMPRESS, no IDLE and no more than a name in ID', async () => {
  const server = await scripted([
    { send: ['* OK Ready\r\n'] },
    answer('CAPABILITY', ['* CAPABILITY IMAP4rev1 ID COMPRESS=DEFLATE IDLE']),
    answer('ID \\("name" "mailhook"\\)', ['* ID ("name" "x" "version" "1")']),
    answer('LOGIN .*', [], 'OK [CAPABILITY IMAP4rev1 ID COMPRESS=DEFLATE IDLE] Logged in'),
    answer('LIST "" ""', ['* LIST (\\Noselect) "/" ""']),
    answer('LOGOUT', ['* BYE Bye']),
  ]);

  const source = await open(server);

  expect(await source.close('commit')).toBe('ok');
  await server.finished();
});

it('ends with LOGOUT, or without it, and never throws', async () => {
  const server = await scripted([...loggedIn(), answer('LOGOUT', ['* BYE Bye']), { end: 'fin' }]);
  const source = await open(server);

  expect(await source.close('commit')).toBe('ok');
  expect(await source.close('commit')).toBe('ok');
  await server.finished();
  expect((await mailError(source.list('INBOX', null))).message).toMatch(/ at localhost/);
});
