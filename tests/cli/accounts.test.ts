import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ADD_ANA, type CliWorld, createCliWorld } from '../support/cli.ts';
import { quietReport } from '../support/fake-operations.ts';

let world: CliWorld;
beforeEach(async () => {
  world = await createCliWorld();
});
afterEach(() => world.close());

const storedPassword = async () => {
  const account = await world.embedded.store.accountByName('ana');
  if (account === null) throw new Error('The account is not there');
  return Buffer.from(
    await world.embedded.vault.open('mailbox-credential', account.id, account.credential),
  ).toString();
};

describe('accounts', () => {
  it('add sends every option, and says what comes next', async () => {
    const options = [
      ...'--protocol imap --port 1993 --security starttls --mailbox INBOX --mailbox Sent --interval 60'.split(
        ' ',
      ),
      ...'--start last:5 --on-delivered move:Done --on-failed flag:Failed --max-size 2048 --skip-test'.split(
        ' ',
      ),
      '--tls-allow-invalid-certificate',
    ];
    const run = await world.spawn([...ADD_ANA, ...options], { stdin: 'hunter2\n' });
    expect(run.code).toBe(0);
    expect(run.stdout).toContain(
      'Account ana is added: INBOX, Sent on imap.example.com is polled every 1 min.',
    );
    expect(run.stdout).toContain('Next: npx mailhook webhooks add URL');
    expect(run.stderr).toBe(
      'Warning: any certificate is accepted, so anybody on the way can read the password\n',
    );
    expect(await world.get('/v1/accounts/ana')).toMatchObject({
      port: 1993,
      security: 'starttls',
      mailboxes: ['INBOX', 'Sent'],
      intervalSeconds: 60,
      start: 'last:5',
      onDelivered: 'move:Done',
      onFailed: 'flag:Failed',
      maxSizeBytes: 2048,
    });
    expect(await storedPassword()).toBe('hunter2');
    expect(run.stdout + run.stderr).not.toContain('hunter2');
  });

  it('add takes the last of an option that is given twice, and the password from the environment', async () => {
    const args = [
      'accounts',
      'add',
      'ana',
      '--host',
      'x.example.com',
      '--host',
      'y.example.com',
      '--username',
      'u',
    ];
    const { code, body } = await world.json([...args, '--password-env', 'PW'], { env: { PW: 'p w\\"$' } });
    expect(code).toBe(0);
    expect(body).toEqual(await world.get('/v1/accounts/ana'));
    expect(body).toMatchObject({ host: 'y.example.com' });
    expect(await storedPassword()).toBe('p w\\"$');
  });

  it.each(['pw', 'pw\n', 'pw\r\n'])('add strips one line end of %j from standard input', async (stdin) => {
    await world.spawn(ADD_ANA, { stdin });
    expect(await storedPassword()).toBe('pw');
  });

  it('add that is refused exits with 1, with the reason on stderr and the problem as JSON', async () => {
    world.operations.report = {
      ...quietReport,
      outcome: 'auth_failed',
      error: { code: 'auth', message: 'The server refused the login' },
    };
    expect(await world.spawn(ADD_ANA, { stdin: 'x' })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'The server refused the login\n',
    });
    const { code, stdout, stderr } = await world.spawn([...ADD_ANA, '--json'], { stdin: 'x' });
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'The server refused the login\n' });
    expect(JSON.parse(stdout)).toMatchObject({
      status: 422,
      code: 'auth',
      detail: 'The server refused the login',
    });
    expect(await world.get('/v1/accounts')).toEqual({ data: [], next: null });
  });

  it('add with OAuth asks for no password and says that it is not available yet', async () => {
    const args = ['accounts', 'add', 'ana', '--host', 'h', '--username', 'u', '--oauth', 'google'];
    const run = await world.run(args);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toContain('not available yet');
  });

  it('are listed, shown, changed, paused, resumed, rebaselined, tested and removed', async () => {
    await world.addAccount();
    expect((await world.run(['accounts', 'list'])).stdout).toMatch(
      /^NAME +STATE[^\n]*\nana +active +ana@example.com at /,
    );
    expect((await world.run(['accounts', 'show', 'ana'])).stdout).toMatch(/^intervalSeconds +300$/m);
    expect(
      (await world.run(['accounts', 'update', 'ana', '--interval', '30', '--name', 'anna'])).stdout,
    ).toBe('Account ana is updated.\n');
    for (const [verb, state] of [
      ['pause', 'paused'],
      ['resume', 'active'],
      ['rebaseline', 'active'],
    ] as const) {
      expect(await world.json(['accounts', verb, 'anna'])).toMatchObject({ code: 0, body: { state } });
    }
    expect((await world.run(['accounts', 'test', 'anna'])).stdout).toMatch(
      /The login works\.\nMAILBOX +MESSAGES\nINBOX +3\n/,
    );
    expect(await world.json(['accounts', 'remove', 'anna'])).toMatchObject({
      code: 0,
      body: { removed: true },
    });
    expect(await world.run(['accounts', 'show', 'anna'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'There is no account "anna"\n',
    });
  });

  it('update takes back what can be taken back', async () => {
    await world.addAccount('--delete-after', '3', '--tls-allow-invalid-certificate');
    await world.run([
      'accounts',
      'update',
      'ana',
      '--delete-after',
      'none',
      '--no-tls-allow-invalid-certificate',
      '--no-ca-file',
    ]);
    expect(await world.get('/v1/accounts/ana')).toMatchObject({ deleteAfterDays: null });
    const account = await world.embedded.store.accountByName('ana');
    expect(account).toMatchObject({ tlsAllowInvalidCertificate: false, caPem: null });
  });

  it('update exits with 2 for what POP3 cannot do, which only the server knows', async () => {
    await world.addAccount('--protocol', 'pop3');
    const run = await world.run(['accounts', 'update', 'ana', '--on-delivered', 'mark-seen']);
    expect(run).toEqual({
      code: 2,
      stdout: '',
      stderr: '--on-delivered: "mark-seen" needs IMAP: POP3 can only delete\n',
    });
  });
});
