import { describe, expect, it } from 'vitest';
import { openPop3Source } from '../../../../../functions/poll/mail/pop3/pop3-source.ts';
import { type Egress, EgressError } from '../../../../../shared/egress/egress.ts';
import { startScriptedServer } from '../../../../support/scripted-server.ts';
import {
  authenticated,
  cleanUpAfterEach,
  loggedIn,
  loginTo,
  loopback,
  mailError,
  multiline,
  open,
  PATIENT,
  scripted,
} from './pop3-support.ts';

cleanUpAfterEach();

const GREETING = { send: ['+OK hello\r\n'] };
const QUIT = { expect: 'QUIT', send: ['+OK\r\n'] };

describe('login', () => {
  it('logs in with USER and PASS and ends with QUIT', async () => {
    const server = await scripted([...loggedIn(), QUIT]);
    const source = await open(server);
    expect(await source.close('commit')).toBe('ok');
    await server.finished();
    expect(server.received).toEqual(['CAPA', 'USER ana', 'PASS s3cret', 'QUIT']);
  });

  it('works with a server that has no CAPA', async () => {
    const server = await scripted([...loggedIn(null), QUIT]);
    const source = await open(server);
    expect(await source.close('commit')).toBe('ok');
    await server.finished();
  });

  it('says UTF8 where it is offered, and goes on when it is refused', async () => {
    const server = await scripted([
      GREETING,
      { expect: 'CAPA', send: [multiline('', ['USER', 'UTF8 USER', 'PIPELINING'])] },
      { expect: 'UTF8', send: ['-ERR not today\r\n'] },
      { expect: 'USER jörg', send: ['+OK\r\n'] },
      { expect: 'PASS grün geheim', send: ['+OK\r\n'] },
      QUIT,
    ]);
    const source = await open(server, { username: 'jörg', password: 'grün geheim' });
    expect(await source.close('commit')).toBe('ok');
    await server.finished();
  });

  it('says UTF8 after the login where only then it is offered', async () => {
    const server = await scripted([
      GREETING,
      { expect: 'CAPA', send: ['-ERR\r\n'] },
      { expect: 'USER ana', send: ['+OK\r\n'] },
      { expect: 'PASS s3cret', send: ['+OK\r\n'] },
      { expect: 'CAPA', send: [multiline('', ['UTF8'])] },
      { expect: 'UTF8', send: ['+OK\r\n'] },
      QUIT,
    ]);
    await (await open(server)).close('commit');
    await server.finished();
  });

  it('uses AUTH PLAIN where that is offered and USER is not', async () => {
    const server = await scripted([
      GREETING,
      { expect: 'CAPA', send: [multiline('', ['SASL XOAUTH2 plain', 'PIPELINING'])] },
      { expect: 'AUTH PLAIN', send: ['+ \r\n'] },
      { expect: 'AGFuYQBzM2NyZXQ=', send: ['+OK\r\n'] },
      QUIT,
    ]);
    await (await open(server)).close('commit');
    await server.finished();
  });

  it('takes the + of a continuation for no success', async () => {
    for (const fake of ['+ eyJzdGF0dXMiOiI0MDAifQ==\r\n', '+\r\n']) {
      const user = await scripted([
        GREETING,
        { expect: 'CAPA', send: ['-ERR\r\n'] },
        { expect: 'USER ana', send: ['+OK\r\n'] },
        { expect: 'PASS s3cret', send: [fake] },
      ]);
      expect(await mailError(open(user))).toMatchObject({ code: 'protocol' });
      const plain = await scripted([
        GREETING,
        { expect: 'CAPA', send: [multiline('', ['SASL PLAIN'])] },
        { expect: 'AUTH PLAIN', send: ['+ \r\n'] },
        { expect: /.+/, send: [fake] },
      ]);
      expect(await mailError(open(plain))).toMatchObject({ code: 'protocol' });
    }
  });

  it.each([
    ['-ERR [AUTH] no\r\n', 'auth', null],
    ['-ERR [IN-USE] locked\r\n', 'busy', null],
    ['-ERR [SYS/TEMP] later\r\n', 'rate', null],
    ['-ERR [LOGIN-DELAY] too soon\r\n', 'busy', 300_000],
  ])('tells a login refused with %j apart as %s', async (answer, code, retryAfterMs) => {
    const server = await scripted([
      GREETING,
      { expect: 'CAPA', send: [multiline('', ['USER', 'LOGIN-DELAY 300', 'RESP-CODES'])] },
      { expect: 'USER ana', send: ['+OK\r\n'] },
      { expect: 'PASS s3cret', send: [answer.slice(0, 3), answer.slice(3)] },
      { end: 'fin' },
    ]);
    expect(await mailError(open(server))).toMatchObject({ code, retryAfterMs });
  });

  it.each([
    ['password', { password: 'x\r\nDELE 1' }],
    ['password', { password: 'x\0' }],
    ['user name', { username: 'ana\nDELE 1' }],
  ])('refuses a line break or NUL in the %s before it connects', async (what, change) => {
    const server = await scripted([]);
    const error = await mailError(open(server, change));
    expect(error).toMatchObject({ code: 'auth' });
    expect(error.message).toContain(what);
    expect(error.message).not.toContain('DELE');
    expect(server.connections).toBe(0);
  });

  it.each([
    ['as it is', '-ERR unknown command PASS s3cret\r\n'],
    ['in capitals', '-ERR UNKNOWN COMMAND "PASS S3CRET"\r\n'],
    ['in no reply at all', 'PASS s3cret\r\n'],
  ])('shows no password that the server repeats %s', async (_how, answer) => {
    const server = await scripted([
      GREETING,
      { expect: 'CAPA', send: ['-ERR\r\n'] },
      { expect: 'USER ana', send: ['+OK\r\n'] },
      { expect: 'PASS s3cret', send: [answer] },
    ]);
    const { message } = await mailError(open(server));
    expect(message).toContain('***');
    expect(message.toLowerCase()).not.toContain('s3cret');
  });

  it('shows no token of AUTH PLAIN that the server repeats', async () => {
    const server = await scripted([
      GREETING,
      { expect: 'CAPA', send: [multiline('', ['SASL PLAIN'])] },
      { expect: 'AUTH PLAIN', send: ['+\r\n'] },
      { expect: /.+/, send: ([line]) => [`-ERR bad token ${line}\r\n`] },
    ]);
    const { message } = await mailError(open(server));
    expect(message).toContain('bad token ***');
  });

  it('asks no server for an address that the egress guard refuses', async () => {
    const server = await startScriptedServer([]);
    const guard: Egress = {
      ...loopback,
      resolve: () => Promise.reject(new EgressError('127.0.0.1 is not a public address')),
    };
    const opening = openPop3Source(guard, PATIENT)(loginTo(server.port), new AbortController().signal);
    const error = await mailError(opening);
    expect(error).toMatchObject({ code: 'egress' });
    expect(error.message).toContain('127.0.0.1 is not a public address');
    expect(server.connections).toBe(0);
    await server.close();
  });

  it('connects to the address that was resolved, and to the next one when that refuses', async () => {
    const server = await scripted([...loggedIn(), QUIT]);
    const twoAddresses: Egress = {
      ...loopback,
      resolve: async () => [
        { address: '127.0.0.2', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
    };
    const source = await openPop3Source(twoAddresses, PATIENT)(
      loginTo(server.port, { host: 'no-such-host.invalid' }),
      new AbortController().signal,
    );
    expect(await source.close('commit')).toBe('ok');
  });

  it('asks a server without PIPELINING for its capabilities again after the login', async () => {
    const server = await scripted([GREETING, ...authenticated(['USER']), QUIT]);
    await (await open(server)).close('commit');
    await server.finished();
  });
});
