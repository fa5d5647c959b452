import { describe, expect, it } from 'vitest';
import { collect } from '../imap/imap-support.ts';
import { cleanUpAfterEach, loggedIn, mailError, multiline, open, scripted } from './pop3-support.ts';

cleanUpAfterEach();

describe('GreenMail 2.1', () => {
  const CAPA = multiline('', ['UIDL', 'SASL PLAIN']);
  const TOKEN = Buffer.from('\0ana\0s3cret').toString('base64');
  const login = [
    { send: ['+OK POP3 GreenMail Server v2.1.3 ready\r\n'] },
    { expect: 'CAPA', send: [CAPA] },
    { expect: 'AUTH PLAIN', send: ['+\r\n'] },
    { expect: TOKEN, send: ['+OK\r\n'] },
    { expect: 'CAPA', send: [CAPA] },
  ];

  it('states a size of -1 for an empty body, which is an unknown one, and no reason to leave the others', async () => {
    const empty = 'Subject: Empty\r\n\r\n';
    const server = await scripted([
      ...login,
      { expect: 'STAT', send: ['+OK 2 138\r\n'] },
      { expect: 'UIDL', send: [multiline('', ['1 a1', '2 b2'])] },
      { expect: 'LIST', send: [multiline('', ['1 139', '2 -1'])] },
      { expect: 'RETR 1', send: [`+OK\r\nSubject: One\r\n\r\n1\r\n.\r\n`] },
      { expect: 'RETR 2', send: [`+OK\r\n${empty}.\r\n`] },
    ]);
    const source = await open(server);

    const { items } = await source.list('', null);
    const fetched = await collect(source.fetch(items, { maxSizeBytes: 1_000 }));

    expect(items.map(({ sizeBytes }) => sizeBytes)).toEqual([139, null]);
    expect(fetched).toMatchObject([{ kind: 'raw' }, { kind: 'raw', bytes: Buffer.from(empty) }]);
  });
});

describe('Courier', () => {
  it('closes a fifth connection from one address without a greeting, and what that may be is said', async () => {
    const server = await scripted([{ end: 'fin' }]);

    const error = await mailError(open(server));

    expect(error).toMatchObject({ code: 'network' });
    expect(error.message).toContain('it closed the connection; the server may have too many connections');
  });

  it('whose certificate it cannot read itself ends the handshake after STLS, and the advice is not STARTTLS', async () => {
    const server = await scripted([
      { send: ['+OK Hello there.\r\n'] },
      { expect: 'STLS', send: ['+OK Begin SSL/TLS negotiation now.\r\n'] },
      { end: 'fin' },
    ]);

    const error = await mailError(open(server, { security: 'starttls' }));

    expect(error).toMatchObject({ code: 'tls' });
    expect(error.message).toContain('the server ended the TLS handshake; it offers TLS and cannot do it');
    expect(error.message).not.toContain('--security');
  });
});

describe('popa3d', () => {
  it('refuses STLS without a word, and the message quotes none', async () => {
    const server = await scripted([{ send: ['+OK\r\n'] }, { expect: 'STLS', send: ['-ERR\r\n'] }]);

    const error = await mailError(open(server, { security: 'starttls' }));

    expect(error.message).toMatch(/: the server refuses it; try --security tls/);
    expect(server.received).toEqual(['STLS']);
  });

  it('refuses a listing without a word, and the message quotes none', async () => {
    const server = await scripted([
      ...loggedIn(null),
      { expect: 'STAT', send: ['-ERR\r\n'] },
      { expect: 'UIDL', send: ['-ERR\r\n'] },
    ]);
    const source = await open(server);

    const error = await mailError(source.list('', null));

    expect(error.message).toMatch(/: the server refuses it$/);
  });
});
