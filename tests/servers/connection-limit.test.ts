import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Dovecot, startDovecot } from '../support/dovecot.ts';
import { failureOf, loginAt, withSource } from './mail-sources.ts';

let dovecot: Dovecot;

beforeAll(async () => {
  dovecot = await startDovecot({ settings: 'mail_max_userip_connections = 1' });
});

afterAll(() => dovecot.stop());

// Over POP3 the server answers [IN-USE], as for a locked maildrop: both mean to come back later.
it.each([
  ['imap', 'rate'],
  ['pop3', 'busy'],
] as const)('one connection too many of %s is no wrong password', async (protocol, code) => {
  const login = loginAt(dovecot, { protocol, security: 'tls' });
  await withSource(login, async () => {
    expect((await failureOf(login))?.code).toBe(code);
  });
  expect(await failureOf(login)).toBeNull();
});
