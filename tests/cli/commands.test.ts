import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliWorld, createCliWorld } from '../support/cli.ts';
import { quietReport, takenAttempt } from '../support/fake-operations.ts';

const LOGIN = ['--host', 'imap.example.com', '--username', 'ana@example.com', '--password-stdin'];

let world: CliWorld;
beforeEach(async () => {
  world = await createCliWorld();
});
afterEach(() => world.close());

const addAccount = (...more: string[]) =>
  world.run(['accounts', 'add', 'ana', ...LOGIN, ...more], { stdin: 'hunter2\n' });
const spawnAdd = (...more: string[]) =>
  world.spawn(['accounts', 'add', 'ana', ...LOGIN, ...more], { stdin: 'hunter2\n' });
const addWebhook = (...more: string[]) =>
  world.run(['webhooks', 'add', 'http://127.0.0.1:3000/mail', ...more]);
const api = async (path: string) => (await world.call('GET', path)).body;
const storedPassword = async () => {
  const account = await world.embedded.store.accountByName('ana');
  if (account === null) throw new Error('The account is not there');
  return Buffer.from(
    await world.embedded.vault.open('mailbox-credential', account.id, account.credential),
  ).toString();
};

describe('accounts', () => {
  it('add sends every option, and says what comes next', async () => {
    const run = await spawnAdd(
      ...'--protocol imap --port 1993 --security starttls --mailbox INBOX --mailbox Sent --interval 60'.split(
        ' ',
      ),
      ...'--start last:5 --on-delivered move:Done --on-failed flag:Failed --max-size 2048 --skip-test'.split(
        ' ',
      ),
      '--tls-allow-invalid-certificate',
    );
    expect(run.code).toBe(0);
    expect(run.stdout).toContain(
      'Account ana is added: INBOX, Sent on imap.example.com is polled every 1 min.',
    );
    expect(run.stdout).toContain('Next: npx mailhook webhooks add URL');
    expect(run.stderr).toBe(
      'Warning: any certificate is accepted, so anybody on the way can read the password\n',
    );
    expect(await api('/v1/accounts/ana')).toMatchObject({
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
    expect(body).toEqual(await api('/v1/accounts/ana'));
    expect(body).toMatchObject({ host: 'y.example.com' });
    expect(await storedPassword()).toBe('p w\\"$');
  });

  it.each(['pw', 'pw\n', 'pw\r\n'])('add strips one line end of %j from standard input', async (stdin) => {
    await world.spawn(['accounts', 'add', 'ana', ...LOGIN], { stdin });
    expect(await storedPassword()).toBe('pw');
  });

  it('add that is refused exits with 1, with the reason on stderr and the problem as JSON', async () => {
    world.operations.report = {
      ...quietReport,
      outcome: 'auth_failed',
      error: { code: 'auth', message: 'The server refused the login' },
    };
    expect(await spawnAdd()).toEqual({ code: 1, stdout: '', stderr: 'The server refused the login\n' });
    const { code, stdout, stderr } = await spawnAdd('--json');
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'The server refused the login\n' });
    expect(JSON.parse(stdout)).toMatchObject({
      status: 422,
      code: 'auth',
      detail: 'The server refused the login',
    });
    expect(await api('/v1/accounts')).toEqual({ data: [], next: null });
  });

  it('add with OAuth asks for no password and says that it is not available yet', async () => {
    const args = ['accounts', 'add', 'ana', '--host', 'h', '--username', 'u', '--oauth', 'google'];
    const run = await world.run(args);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toContain('not available yet');
  });

  it('are listed, shown, changed, paused, resumed, rebaselined, tested and removed', async () => {
    await addAccount();
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

  it('update takes back what can be taken back, and exits with 2 for what POP3 cannot do', async () => {
    await addAccount('--delete-after', '3', '--tls-allow-invalid-certificate');
    await world.run([
      'accounts',
      'update',
      'ana',
      '--delete-after',
      'none',
      '--no-tls-allow-invalid-certificate',
      '--no-ca-file',
    ]);
    expect(await api('/v1/accounts/ana')).toMatchObject({ deleteAfterDays: null });
    const account = await world.embedded.store.accountByName('ana');
    expect(account).toMatchObject({ tlsAllowInvalidCertificate: false, caPem: null });

    await world.run(['accounts', 'add', 'pop', '--protocol', 'pop3', ...LOGIN], { stdin: 'x' });
    const run = await world.run(['accounts', 'update', 'pop', '--on-delivered', 'mark-seen']);
    expect(run).toEqual({
      code: 2,
      stdout: '',
      stderr: '--on-delivered: "mark-seen" needs IMAP: POP3 can only delete\n',
    });
  });
});

describe('webhooks', () => {
  it('add prints the secret, and every option arrives', async () => {
    await addAccount();
    const run = await addWebhook(
      ...'--name crm --account ana --events message.received --events mailbox.reset --timeout 5'.split(' '),
      ...['--header', 'X-Key: hunter2', '--header', 'X-Other: a: b'],
    );
    const { id, secret } = await api('/v1/webhooks/crm/secret');
    expect(run.stdout).toContain(secret);
    expect(run.stdout).not.toContain('hunter2');
    expect(await api(`/v1/webhooks/${id}`)).toMatchObject({
      name: 'crm',
      accounts: [(await api('/v1/accounts/ana')).id],
      events: ['message.received', 'mailbox.reset'],
      headers: ['X-Key', 'X-Other'],
      timeoutSeconds: 5,
    });
  });

  it('secret and rotate-secret print nothing but the secret', async () => {
    await addWebhook('--name', 'crm');
    const { secret } = await api('/v1/webhooks/crm/secret');
    expect((await world.run(['webhooks', 'secret', 'crm'])).stdout).toBe(`${secret}\n`);
    const rotated = await world.run(['webhooks', 'rotate-secret', 'crm', '--grace', '0']);
    expect(rotated.stdout).toBe(`${(await api('/v1/webhooks/crm/secret')).secret}\n`);
    expect(rotated.stdout).not.toContain(secret);
  });

  it.each([[['--filter', 'true']], [['--max-per-minute', '5']], [['--attachments', 'inline']]])(
    'add with %j says that it is not available yet',
    async (options) => {
      const { code, body } = await world.json(['webhooks', 'add', 'http://127.0.0.1:3000/', ...options]);
      expect({ code, body }).toMatchObject({ code: 1, body: { code: 'not-available-yet', status: 501 } });
    },
  );

  it('add of an address that is not allowed exits with 1', async () => {
    const { code, body } = await world.json(['webhooks', 'add', 'http://169.254.169.254/']);
    expect({ code, body }).toMatchObject({ code: 1, body: { code: 'egress' } });
  });

  it('test exits with 0 when the receiver took it, else with 1', async () => {
    await addWebhook('--name', 'crm');
    expect(await world.spawn(['webhooks', 'test', 'crm'])).toEqual({
      code: 0,
      stdout: 'Delivered: status 200 after 12 ms.\n',
      stderr: '',
    });
    const failed = {
      ...takenAttempt,
      status: 500,
      outcome: 'http-error',
      error: 'The receiver\u001b[31m failed',
    };
    world.operations.attempt = failed;
    expect(await world.spawn(['webhooks', 'test', 'crm'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'Not delivered (http-error): status 500 after 12 ms: The receiver [31m failed\n',
    });
    expect(await world.json(['webhooks', 'test', 'crm'])).toEqual({ code: 1, body: failed });
  });

  it('are listed, shown, changed, disabled, enabled and removed', async () => {
    await addAccount();
    await addWebhook('--name', 'crm', '--account', 'ana', '--header', 'X-Key: 1');
    expect((await world.run(['webhooks', 'list'])).stdout).toMatch(
      /^crm +enabled +http:\/\/127.0.0.1:3000\/mail +ana /m,
    );
    await world.run([
      'webhooks',
      'update',
      'crm',
      '--account',
      '*',
      '--no-header',
      '--url',
      'http://127.0.0.1:4000/',
    ]);
    expect(await api('/v1/webhooks/crm')).toMatchObject({
      accounts: null,
      headers: [],
      url: 'http://127.0.0.1:4000/',
    });
    expect(await world.json(['webhooks', 'disable', 'crm'])).toMatchObject({
      code: 0,
      body: { state: 'disabled' },
    });
    expect((await world.run(['webhooks', 'show', 'crm'])).stdout).toMatch(
      /^Next: npx mailhook webhooks enable crm$/m,
    );
    expect(await world.json(['webhooks', 'enable', 'crm'])).toMatchObject({
      code: 0,
      body: { state: 'enabled' },
    });
    expect(await world.json(['webhooks', 'remove', 'crm'])).toMatchObject({
      code: 0,
      body: { removed: true },
    });
  });
});

describe('messages and deliveries', () => {
  let ids: readonly string[];
  beforeEach(async () => {
    await addAccount();
    await addWebhook('--name', 'crm');
    ids = await world.commit((await api('/v1/accounts/ana')).id, ['one \u001b]0;owned\u0007\u202e', '漢字']);
  });

  it('list all pages as one, newest first', async () => {
    await world.commit(
      (await api('/v1/accounts/ana')).id,
      Array.from({ length: 520 }, (_, index) => `mail ${index}`),
    );
    const { body } = await world.json(['messages', 'list', '--account', 'ana', '--since', '2026-01-01']);
    const { data, next } = body as { data: { subject: string }[]; next: null };
    expect(next).toBeNull();
    expect(data).toHaveLength(522);
    expect(data[0]?.subject).toBe('mail 519');
  });

  it('show what mail says without letting it steer the terminal', async () => {
    for (const args of [
      ['messages', 'list'],
      ['messages', 'show', ids[0] ?? ''],
    ]) {
      const { stdout } = await world.run(args);
      expect(stdout).toContain('one ');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not arrive
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/);
    }
  });

  it('raw gives the bytes of the mail', async () => {
    const { code, stdout } = await world.spawn(['messages', 'raw', ids[1] ?? '']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Subject: .*\r\n\r\nbytes/);
    expect(await world.spawn(['messages', 'raw', 'nonsense'])).toMatchObject({ code: 1, stdout: '' });
  });

  it('replay, retry and their counts', async () => {
    expect((await world.run(['messages', 'replay', ...ids])).stdout).toBe('2 deliveries are sent again.\n');
    const { data } = await api('/v1/deliveries');
    expect((await world.run(['deliveries', 'list', '--webhook', 'crm'])).stdout).toMatch(
      /^crm +pending +0 /m,
    );
    expect((await world.run(['deliveries', 'show', data[0]?.id ?? ''])).stdout).toMatch(/^state +pending$/m);
    expect((await world.run(['deliveries', 'retry', data[0]?.id ?? ''])).stdout).toBe(
      'The delivery is sent now.\n',
    );
    const replay = ['deliveries', 'replay', '--webhook', 'crm', '--since', '2026-01-01'];
    expect((await world.run([...replay, '--dry-run'])).stdout).toBe(
      '2 deliveries would be sent again (2 pending).\n',
    );
    expect((await world.run(replay)).stdout).toBe('2 deliveries sent again (2 pending).\n');
    expect((await world.run([...replay, '--state', 'exhausted'])).stdout).toBe('0 deliveries sent again.\n');
  });
});

describe('poll and status', () => {
  it('poll waits for the reports and exits with 1 when one failed', async () => {
    await addAccount();
    expect(await world.json(['poll', 'ana'])).toMatchObject({
      code: 0,
      body: { accounts: [{ outcome: 'ok' }] },
    });
    world.operations.report = {
      ...quietReport,
      outcome: 'error',
      error: { code: 'network', message: 'no route' },
    };
    const run = await world.run(['poll']);
    expect(run.code).toBe(1);
    expect(run.stdout).toMatch(/error +0 +0 +0 +network: no route$/m);
    world.operations.report = { ...quietReport, outcome: 'paused' };
    expect((await world.run(['poll'])).code).toBe(0);
    expect((await world.run(['poll', 'ana'])).code).toBe(1);
  });

  it('status shows counts and, on stderr, what to look at', async () => {
    expect((await world.run(['status'])).stdout).toContain('Next: npx mailhook accounts add');
    await addAccount();
    const run = await world.run(['status']);
    expect(run.stdout).toMatch(/^accounts +1 active$/m);
    expect(run.stderr).toBe(
      'Warning: 1 active account(s) without an enabled webhook: their mail is ignored\n',
    );
    expect(await world.json(['status'])).toMatchObject({ code: 0, body: { version: '1.2.3' } });
  });
});

describe('output', () => {
  it('has no colour where there is no terminal, and no blanks at the ends of lines', async () => {
    await addAccount();
    const { stdout } = await world.spawn(['accounts', 'list'], { env: { FORCE_COLOR: '1' } });
    expect(stdout).not.toContain('\u001b');
    expect(stdout).not.toMatch(/ $/m);
  });

  it('ends quietly when its reader has read enough', async () => {
    await addAccount();
    await world.commit(
      (await api('/v1/accounts/ana')).id,
      Array.from({ length: 300 }, () => 'x'.repeat(60)),
    );
    const command = `"$NODE" cli/mailhook.mjs messages list | head -1; exit "\${PIPESTATUS[0]}"`;
    const env = { ...world.env, PATH: process.env.PATH, NODE: process.execPath };
    const { stdout, stderr } = await promisify(execFile)('bash', ['--norc', '-c', command], { env });
    expect(stdout).toMatch(/^RECEIVED/);
    expect(stderr).toBe('');
  });
});
