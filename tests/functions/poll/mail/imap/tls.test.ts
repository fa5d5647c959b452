import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { expect, it } from 'vitest';
import type { Step } from '../../../../support/scripted-server.ts';
import { caSigned, selfSigned } from '../../../../support/tls-certificate.ts';
import { answer, loggedIn } from './imap-script.ts';
import { cleanUpAfterEach, mailError, open, patience, scripted, served } from './imap-support.ts';

cleanUpAfterEach();

const WITH_STARTTLS: Step[] = [
  { send: ['* OK Ready\r\n'] },
  answer('CAPABILITY', ['* CAPABILITY IMAP4rev1 STARTTLS']),
];

it.each([
  ['tls', true],
  ['starttls', false],
] as const)('%s works with the certificate of its authority', async (security, implicitTls) => {
  const server = await served({}, { tls: caSigned, implicitTls });

  const source = await open(server, { security, caPem: caSigned.caPem });

  expect((await source.list('INBOX', null)).exists).toBe(0);
});

it.each([
  ['tls', true],
  ['starttls', false],
] as const)(
  '%s refuses a self-signed certificate, names it and says what to do',
  async (security, implicitTls) => {
    const server = await served({}, { tls: selfSigned, implicitTls });

    const error = await mailError(open(server, { security }));

    expect(error.code).toBe('tls');
    expect(error.message).toMatch(
      /is self-signed; .*--ca-file.*--tls-allow-invalid-certificate \(subject "CN=.*", issuer "CN=.*", .*SHA-256 [0-9A-F:]{95}\)$/,
    );
  },
);

it('nothing is sent to a server whose certificate is refused', async () => {
  const server = await scripted(loggedIn(), selfSigned);

  await mailError(open(server, { security: 'tls' }));

  expect(server.received).toEqual([]);
});

it('an authority that is not the one of --ca-file is refused', async () => {
  const server = await served({}, { tls: caSigned, implicitTls: true });

  const error = await mailError(open(server, { security: 'tls', caPem: selfSigned.caPem }));

  expect(error).toMatchObject({ code: 'tls', message: expect.stringContaining("the server's certificate") });
});

it('a certificate for other names is refused, by name and by address', async () => {
  const server = await served({}, { tls: caSigned, implicitTls: true });

  const error = await mailError(
    open(server, { security: 'tls', caPem: caSigned.caPem, host: 'mail.example.com' }),
  );

  expect(error.code).toBe('tls');
  expect(error.message).toContain('is made out for other names');
  expect(error.message).toContain('names DNS:localhost');
});

it('an address instead of a name is checked against the addresses of the certificate', async () => {
  const server = await served({}, { tls: caSigned, implicitTls: true });

  const source = await open(server, { security: 'tls', caPem: caSigned.caPem, host: '127.0.0.1' });

  expect((await source.list('INBOX', null)).exists).toBe(0);
});

it.each([
  ['tls', true],
  ['starttls', false],
] as const)('%s takes any certificate when told to', async (security, implicitTls) => {
  const server = await served({}, { tls: selfSigned, implicitTls });

  const source = await open(server, { security, tlsAllowInvalidCertificate: true });

  expect((await source.list('INBOX', null)).exists).toBe(0);
});

it('STARTTLS that is stripped from the capabilities ends the session before the password', async () => {
  const server = await scripted([
    { send: ['* OK Ready\r\n'] },
    answer('CAPABILITY', ['* CAPABILITY IMAP4rev1 AUTH=PLAIN']),
  ]);

  const error = await mailError(open(server, { security: 'starttls' }));

  expect(error.code).toBe('tls');
  expect(error.message).toContain('the password was not sent');
  expect(server.received).toHaveLength(1);
});

it('STARTTLS that the server then refuses ends the session before the password', async () => {
  const server = await scripted([...WITH_STARTTLS, answer('STARTTLS', [], 'NO Not now')]);

  expect((await mailError(open(server, { security: 'starttls' }))).code).toBe('tls');
  expect(server.received.join()).not.toContain('ana');
});

it('a greeting of PREAUTH cannot talk STARTTLS away', async () => {
  const server = await scripted([
    { send: ['* PREAUTH Welcome\r\n'] },
    answer('CAPABILITY', ['* CAPABILITY IMAP4rev1 STARTTLS']),
  ]);

  expect((await mailError(open(server, { security: 'starttls' }))).code).toBe('tls');
});

it("answers that are put behind the OK of STARTTLS are not taken for the encrypted server's", async () => {
  const server = await scripted([
    ...WITH_STARTTLS,
    { expect: /^(\w+) STARTTLS$/, send: ([, tag]) => [`${tag} OK Begin\r\n* CAPABILITY IMAP4rev1\r\n`] },
    { startTls: caSigned },
  ]);

  const error = await mailError(open(server, { security: 'starttls', caPem: caSigned.caPem }));

  expect(error).toMatchObject({ code: 'tls', message: expect.stringContaining('injection') });
});

it('with security none, TLS is not used even where it is offered', async () => {
  const server = await scripted(loggedIn('STARTTLS'));

  await open(server, { security: 'none' });

  expect(server.received.some((line) => line.includes('STARTTLS'))).toBe(false);
});

it('TLS to a port without TLS says what to use instead', async () => {
  const server = await served();

  const error = await mailError(open(server, { security: 'tls' }));

  expect(error.code).toBe('tls');
  expect(error.message).toContain('--security starttls');
});

it('no TLS to a port with TLS says what to use instead', async () => {
  const server = await served({}, { tls: caSigned, implicitTls: true });

  const error = await mailError(open(server, { security: 'none', deadlines: patience({ greetingMs: 200 }) }));

  expect(error.code).toBe('network');
  expect(error.message).toContain('use --security tls');
});

it('TLS 1.1 is refused', async () => {
  const old = createServer({
    ...caSigned,
    maxVersion: 'TLSv1.1',
    minVersion: 'TLSv1',
    ciphers: 'ALL:@SECLEVEL=0',
  });
  old.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
  const { port } = old.address() as AddressInfo;

  const error = await mailError(open({ port }, { security: 'tls', caPem: caSigned.caPem }));

  old.close();
  expect(error).toMatchObject({ code: 'tls', message: expect.stringContaining('TLS 1.2') });
});
