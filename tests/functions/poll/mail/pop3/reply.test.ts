import { describe, expect, it } from 'vitest';
import { parseReply, refusalError, type Stage } from '../../../../../functions/poll/mail/pop3/reply.ts';

function refusal(line: string, stage: Stage = 'password', loginDelayMs: number | null = null) {
  const reply = parseReply(line);
  if (reply?.kind !== 'err') throw new Error(`${line} is no refusal`);
  return refusalError(reply, { doing: 'log in to "pop.test:110"', stage, encrypted: false, loginDelayMs });
}

describe('parseReply()', () => {
  it.each([
    ['+OK', 'ok', ''],
    ['+OK  2 messages ', 'ok', '2 messages'],
    ['-ERR no', 'err', 'no'],
    ['-ERR', 'err', ''],
    ['- no', 'err', 'no'],
    ['+', 'continue', ''],
    ['+ eyJzdGF0dXMi', 'continue', 'eyJzdGF0dXMi'],
  ])('reads %s', (line, kind, text) => {
    expect(parseReply(line)).toMatchObject({ kind, text });
  });

  it.each(['', 'OK', '* OK IMAP4rev1', 'HTTP/1.1 400', '.'])('takes "%s" for no reply', (line) => {
    expect(parseReply(line)).toBeNull();
  });

  it('makes one short line of what a server says', () => {
    const reply = parseReply(`-ERR a\tb\x1b[31m\x00 ${'x'.repeat(500)}`);
    expect(reply?.text).toMatch(/^a b \[31m x+…$/);
    expect(reply?.text.length).toBeLessThanOrEqual(201);
  });

  it('reads UTF-8 text', () => {
    expect(parseReply(Buffer.from('-ERR gesperrt für heute').toString('latin1'))?.text).toBe(
      'gesperrt für heute',
    );
  });
});

describe('refusalError()', () => {
  it.each([
    ['-ERR [AUTH] Authentication failed.', 'auth'],
    ['-ERR [auth] wrong', 'auth'],
    ['-ERR Logon failure: unknown user name or bad password.', 'auth'],
    ['-ERR account is locked, call the help desk', 'auth'],
    ['-ERR [IN-USE] Do you have another POP session running?', 'busy'],
    ['-ERR [LOGIN-DELAY] minimum time between mail checks violated', 'busy'],
    ['-ERR maildrop already locked', 'busy'],
    ['-ERR unable to lock maildrop', 'busy'],
    ['-ERR mailbox is in use', 'busy'],
    ['-ERR another session is active', 'busy'],
    ['-ERR [SYS/TEMP] Temporary authentication failure.', 'rate'],
    ['-ERR temporary problem, please try again later', 'rate'],
    ['-ERR internal server error', 'rate'],
    ['-ERR Too many connections from your host', 'rate'],
    ['-ERR Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)', 'rate'],
    ['-ERR Request is throttled. Suggested Backoff Time: 201317 milliseconds', 'rate'],
    ['-ERR [SYS/PERM] Your account is not enabled for POP access.', 'mailbox'],
    ['-ERR cleartext logins are off, use STLS', 'tls'],
  ])('takes the refused password of %s for %s', (line, code) => {
    expect(refusal(line).code).toBe(code);
  });

  it.each([
    ['greeting', '-ERR go away', 'rate'],
    ['user', '-ERR no', 'protocol'],
    ['command', '-ERR no', 'protocol'],
    ['command', '-ERR [SYS/TEMP] disk trouble', 'rate'],
    ['user', '-ERR [LOGIN-DELAY] wait', 'busy'],
  ] as const)('blames no credentials at the %s stage for %s', (stage, line, code) => {
    expect(refusal(line, stage).code).toBe(code);
  });

  it.each([
    ['-ERR [LOGIN-DELAY] wait 45 seconds', 45_000],
    ['-ERR [IN-USE] locked, try again in 2 min', 120_000],
    ['-ERR too many requests, back off 201317 milliseconds', 201_317],
    ['-ERR [SYS/TEMP] come back in 999999999 hours', 86_400_000],
    ['-ERR [IN-USE] locked by 2 sessions', null],
    ['-ERR [AUTH] wrong, 3 seconds penalty', null],
  ])('reads the hint of %s', (line, retryAfterMs) => {
    expect(refusal(line).retryAfterMs).toBe(retryAfterMs);
  });

  it('takes the LOGIN-DELAY of CAPA when the refusal names no time', () => {
    expect(refusal('-ERR [LOGIN-DELAY] too soon', 'password', 60_000).retryAfterMs).toBe(60_000);
  });

  it('says what was tried, what the server said and what to try', () => {
    expect(refusal('-ERR [AUTH] Plaintext authentication disallowed without TLS').message).toBe(
      'Cannot log in to "pop.test:110": the server says "[AUTH] Plaintext authentication disallowed without TLS"; try --security starttls or tls',
    );
  });
});
