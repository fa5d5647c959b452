import { describe, expect, it } from 'vitest';
import { caSigned, selfSigned } from '../../../../support/tls-certificate.ts';
import {
  authenticated,
  cleanUpAfterEach,
  loggedIn,
  mailError,
  open,
  QUICK,
  scripted,
} from './pop3-support.ts';

cleanUpAfterEach();

const GREETING = { send: ['+OK hello\r\n'] };
const QUIT = { expect: 'QUIT', send: ['+OK\r\n'] };
const STLS = { expect: 'STLS', send: ['+OK begin\r\n'] };

describe('security tls', () => {
  it.each([
    ['its own CA', selfSigned, { caPem: selfSigned.caPem }],
    ['another CA', caSigned, { caPem: caSigned.caPem }],
    ['no check', selfSigned, { tlsAllowInvalidCertificate: true }],
    ['an IP address for a host', selfSigned, { caPem: selfSigned.caPem, host: '127.0.0.1' }],
  ])('logs in with %s', async (_what, certificate, change) => {
    const server = await scripted([...loggedIn(), QUIT], certificate);
    const source = await open(server, { security: 'tls', ...change });
    expect(await source.close('commit')).toBe('ok');
    await server.finished();
  });

  it.each([
    ['signed by an unknown CA', 'localhost', null],
    ['signed by another CA than the given one', 'localhost', caSigned.caPem],
    ['of another host', 'mail.test', selfSigned.caPem],
  ])('refuses a certificate that is %s and says what to do', async (_what, host, caPem) => {
    const server = await scripted([GREETING], selfSigned);
    const error = await mailError(open(server, { security: 'tls', host, caPem }));
    expect(error).toMatchObject({ code: 'tls' });
    expect(error.message).toMatch(/the server's certificate is refused \(.*\); .*--ca-file/);
    expect(error.message).not.toContain('Node.js');
    expect(server.received).toEqual([]);
  });

  it('names what to try when the port speaks plain text', async () => {
    const server = await scripted([GREETING]);
    const error = await mailError(open(server, { security: 'tls' }));
    expect(error).toMatchObject({ code: 'tls' });
    expect(error.message).toContain('--security starttls');
  });

  it('names what to try when the port is silent', async () => {
    const server = await scripted([]);
    const error = await mailError(open(server, { security: 'tls', limits: { connectTimeoutMs: 60 } }));
    expect(error.message).toContain('--security starttls');
  });
});

describe('security none and starttls on a port that expects TLS', () => {
  it.each(['none', 'starttls'] as const)('names what to try (%s)', async (security) => {
    const server = await scripted([GREETING], selfSigned);
    const error = await mailError(open(server, { security, limits: QUICK }));
    expect(error.message).toContain('try --security tls');
    expect(server.received).toEqual([]);
  });
});

describe('security starttls', () => {
  it('starts TLS before anything else is said, and asks for the capabilities inside it', async () => {
    const server = await scripted([
      GREETING,
      STLS,
      { startTls: selfSigned },
      ...authenticated(['USER', 'PIPELINING']),
      QUIT,
    ]);
    const source = await open(server, { security: 'starttls', caPem: selfSigned.caPem });
    expect(await source.close('commit')).toBe('ok');
    await server.finished();
  });

  it('sends no credentials when STLS is refused', async () => {
    const server = await scripted([GREETING, { expect: 'STLS', send: ['-ERR unknown command\r\n'] }]);
    const error = await mailError(open(server, { security: 'starttls' }));
    expect(error).toMatchObject({ code: 'tls' });
    expect(error.message).toContain('--security tls');
    expect(server.received).toEqual(['STLS']);
  });

  it('refuses bytes put in behind the +OK, which would be taken for replies from inside', async () => {
    const server = await scripted([GREETING, { expect: 'STLS', send: ['+OK begin\r\n+OK injected\r\n'] }]);
    const error = await mailError(open(server, { security: 'starttls', caPem: selfSigned.caPem }));
    expect(error).toMatchObject({ code: 'tls' });
    expect(error.message).toContain('bytes before the handshake');
    expect(server.received).toEqual(['STLS']);
  });

  it('verifies the certificate', async () => {
    const server = await scripted([GREETING, STLS, { startTls: selfSigned }]);
    const error = await mailError(open(server, { security: 'starttls' }));
    expect(error).toMatchObject({ code: 'tls' });
    expect(error.message).toContain('--ca-file');
    expect(server.received).toEqual(['STLS']);
  });

  it('ends when the server does not go on with the handshake', async () => {
    const server = await scripted([GREETING, STLS]);
    const limits = { connectTimeoutMs: 80 };
    const error = await mailError(open(server, { security: 'starttls', caPem: selfSigned.caPem, limits }));
    expect(error.message).toContain('start TLS');
  });
});

describe('security none', () => {
  it('keeps the password from a server that takes it only over TLS', async () => {
    const server = await scripted([GREETING, { expect: 'CAPA', send: ['+OK\r\nSTLS\r\nSASL\r\n.\r\n'] }]);
    const error = await mailError(open(server));
    expect(error).toMatchObject({ code: 'tls' });
    expect(error.message).toContain('--security starttls');
    expect(server.received).toEqual(['CAPA']);
  });
});
