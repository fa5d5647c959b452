import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliWorld, createCliWorld, runInProcess, runMailhook } from '../support/cli.ts';

let world: CliWorld;
let folder: string;
beforeAll(async () => {
  world = await createCliWorld();
  folder = await mkdtemp(join(tmpdir(), 'mailhook-usage-'));
  await writeFile(join(folder, 'broken.yaml'), 'accounts: [\n  {name: hunter2');
});
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

const LOGIN = ['--host', 'imap.example.com', '--username', 'ana', '--password-env', 'PW'];
const ADD = ['accounts', 'add', 'ana', ...LOGIN];
const POP3 = [...ADD, '--protocol', 'pop3'];

describe('wrong usage', () => {
  it.each<[readonly string[], string]>([
    [['frobnicate'], "Unknown command 'frobnicate': see npx mailhook --help"],
    [['accounts', 'ad'], "Unknown command 'ad' (Did you mean add?): see npx mailhook accounts --help"],
    [['accounts', 'list', '--jsn'], "Unknown option '--jsn' (Did you mean --json?)"],
    [['accounts', 'list', 'extra'], 'Too many arguments'],
    [['accounts', 'show'], "Missing required argument 'name': see npx mailhook accounts show --help"],
    [['accounts', 'add', 'ana', '--username', 'x', '--password-env', 'PW'], 'Option --host is missing'],
    [['accounts', 'add', 'ana', '--host', 'x', '--password-env', 'PW'], 'Option --username is missing'],
    [['accounts', 'add', 'ana', '--host', 'x', '--username', 'x'], '--password-stdin or --password-env'],
    [[...ADD, '--password-stdin'], 'not both'],
    [['accounts', 'add', 'ana', '--host', 'x', '--username', 'x', '--password-env', 'NO_SUCH'], '"NO_SUCH"'],
    [['accounts', 'add', 'ana', '--host', 'x', '--username', 'x', '--password-stdin'], 'no password'],
    [[...ADD, '--port', 'x'], '--port'],
    [[...ADD, '--port', '-1'], '--port'],
    [[...ADD, '--port', '70000'], '--port'],
    [[...ADD, '--protocol', 'smtp'], 'Allowed choices are imap, pop3'],
    [[...ADD, '--security', 'ssl'], 'Allowed choices are tls, starttls, none'],
    [[...ADD, '--interval', '1'], '--interval'],
    [[...ADD, '--interval', '1.5'], '--interval'],
    [[...ADD, '--start', 'later'], 'last:N'],
    [[...ADD, '--start', 'since:2026-02-30'], 'since:YYYY-MM-DD'],
    [[...ADD, '--on-delivered', 'archive'], 'mark-seen'],
    [[...ADD, '--on-failed', 'delete'], 'move:MAILBOX'],
    [[...ADD, '--delete-after', 'soon'], '--delete-after'],
    [[...ADD, '--delete-after', '3', '--on-delivered', 'delete'], '--delete-after: excludes'],
    [[...ADD, '--delete-after', '3', '--on-delivered', 'move:Done'], '--delete-after: excludes'],
    [[...ADD, '--ca-file', '/no/such.pem'], 'there is no such file (ENOENT)'],
    [[...ADD, '--mailbox', 'INBOX', '--mailbox', 'inbox'], '--mailbox'],
    [[...POP3, '--on-delivered', 'mark-seen'], '--on-delivered: "mark-seen" needs IMAP'],
    [[...POP3, '--on-delivered', 'flag:Done'], '--on-delivered: "flag" needs IMAP'],
    [[...POP3, '--on-delivered', 'move:Done'], '--on-delivered: "move" needs IMAP'],
    [[...POP3, '--on-failed', 'flag:Done'], '--on-failed: "flag" needs IMAP'],
    [[...POP3, '--start', 'since:2026-01-01'], '--start: "since:" needs IMAP'],
    [[...POP3, '--mailbox', 'INBOX'], '--mailbox: need IMAP'],
    [['accounts', 'update', 'ana'], 'Nothing to change'],
    [['accounts', 'update', 'ana', '--skip-test'], 'Nothing to change'],
    [['accounts', 'update', 'ana', '--start', 'all'], '--start is for accounts add only'],
    [['webhooks', 'add', 'nonsense'], 'https://host/path'],
    [['webhooks', 'add', 'ftp://example.com/'], 'https://host/path'],
    [['webhooks', 'add', 'http://x/', '--header', 'hunter2'], "'Name: value'"],
    [['webhooks', 'add', 'http://x/', '--header', 'Host: hunter2'], '--header'],
    [['webhooks', 'add', 'http://x/', '--header', 'X-A: 1', '--header', 'X-A: 2'], 'twice'],
    [['webhooks', 'add', 'http://x/', '--timeout', '0'], '--timeout'],
    [['webhooks', 'add', 'http://x/', '--timeout', '31'], '--timeout'],
    [['webhooks', 'add', 'http://x/', '--events', 'mesage.*'], 'message.received'],
    [['webhooks', 'add', 'http://x/', '--attachments', 'zip'], 'Allowed choices are link, inline, none'],
    [['webhooks', 'add', 'http://x/', '--transform', '/no/such'], 'ENOENT'],
    [['webhooks', 'rotate-secret', 'crm', '--grace', 'x'], '--grace'],
    [['webhooks', 'update', 'crm'], 'Nothing to change'],
    [['messages', 'list', '--state', 'lost'], 'Allowed choices'],
    [['messages', 'list', '--since', 'yesterday'], '2026-01-31'],
    [['messages', 'list', '--since', '2026-13-01'], '2026-01-31'],
    [['messages', 'list', '--since', '2026-02-31'], '2026-01-31'],
    [['messages', 'replay'], "Missing required argument 'ids'"],
    [['deliveries', 'list', '--state', 'lost'], 'Allowed choices'],
    [['deliveries', 'replay', '--since', '1h'], 'Option --webhook is missing'],
    [['deliveries', 'replay', '--webhook', 'crm'], 'Option --since is missing'],
    [['deliveries', 'replay', '--webhook', 'crm', '--since', '1h', '--state', 'lost'], 'exhausted'],
    [['apply'], "Missing required argument 'file'"],
    [['apply', '/no/such.yaml'], 'ENOENT'],
    [['apply', 'BROKEN'], 'line 2'],
  ])('%j exits with 2 and one line that says what is wrong', async (args, message) => {
    const real = args.map((arg) => (arg === 'BROKEN' ? join(folder, 'broken.yaml') : arg));
    const run = await world.run(real, { env: { PW: 'hunter2' } });
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain(message);
    expect(run.stderr).toMatch(/^[^\n]+\n$/);
    expect(run.stderr).not.toMatch(/^\s*at |hunter2/m);
  });

  it.each<[readonly string[], string]>([
    [['frobnicate'], "Unknown command 'frobnicate'"],
    [[...ADD, '--port', '70000'], '--port'],
    [[...POP3, '--on-delivered', 'mark-seen'], '--on-delivered: "mark-seen" needs IMAP'],
    [['webhooks', 'add', 'nonsense'], 'https://host/path'],
  ])('%j ends the process with 2, without a stack trace', async (args, message) => {
    const run = await world.spawn(args, { env: { PW: 'hunter2' } });
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toMatch(/^[^\n]+\n$/);
    expect(run.stderr).toContain(message);
  });

  it('of the settings exits with 2 and names the setting', async () => {
    for (const env of [
      { MAILHOOK_PORT: 'x' },
      { MAILHOOK_PORT: '0' },
      { MAILHOOK_URL: 'ftp://example.com' },
      { MAILHOOK_URL: 'http://ana:hunter2@127.0.0.1/' },
      { MAILHOOK_TOKEN: 'hunter2\n' },
    ]) {
      const run = await runInProcess(['status'], { env });
      expect(run).toMatchObject({ code: 2, stdout: '' });
      expect(run.stderr).toContain(Object.keys(env)[0]);
      expect(run.stderr).not.toContain('hunter2');
    }
  });

  it('without a command shows the help on stderr', async () => {
    for (const args of [[], ['accounts'], ['webhooks', '--json']]) {
      const run = await runMailhook(args);
      expect(run).toMatchObject({ code: 2, stdout: '' });
      expect(run.stderr).toContain('Usage: mailhook');
    }
  });
});

describe('help', () => {
  it('names every command of the contract, and exits with 0', async () => {
    const commands: Readonly<Record<string, readonly string[]>> = {
      accounts: ['add', 'list', 'show', 'update', 'test', 'pause', 'resume', 'rebaseline', 'remove'],
      webhooks: [
        'add',
        'list',
        'show',
        'update',
        'test',
        'enable',
        'disable',
        'rotate-secret',
        'secret',
        'remove',
      ],
      messages: ['list', 'show', 'raw', 'replay'],
      deliveries: ['list', 'show', 'retry', 'replay'],
    };
    const top = await runMailhook(['--help']);
    expect(top).toMatchObject({ code: 0, stderr: '' });
    for (const [group, verbs] of Object.entries(commands)) {
      expect(top.stdout).toContain(`  ${group} `);
      const { code, stdout } = await runInProcess([group, '--help']);
      expect(code).toBe(0);
      for (const verb of verbs) expect(stdout).toMatch(new RegExp(`^ {2}${verb} `, 'm'));
    }
    for (const name of ['poll', 'status', 'apply']) expect(top.stdout).toContain(`  ${name} `);
  });

  it('names every option of accounts add and webhooks add', async () => {
    const [accounts, webhooks] = await Promise.all([
      runInProcess(['accounts', 'add', '--help']),
      runInProcess(['webhooks', 'add', '--help']),
    ]);
    const accountOptions =
      '--protocol --host --port --security --username --password-stdin --password-env --oauth --ca-file --mailbox ' +
      '--interval --start --on-delivered --on-failed --delete-after --max-size --tls-allow-invalid-certificate --skip-test --json';
    for (const option of accountOptions.split(' ')) expect(accounts.stdout).toContain(`  ${option} `);
    const webhookOptions =
      '--name --account --events --filter --transform --header --attachments --timeout --max-per-minute --json';
    for (const option of webhookOptions.split(' ')) expect(webhooks.stdout).toContain(`  ${option} `);
  });

  it('of a command is the same in each way to ask for it', async () => {
    const { stdout } = await runInProcess(['accounts', 'add', '--help']);
    expect(stdout).toContain('--username');
    for (const args of [
      ['help', 'accounts', 'add'],
      ['accounts', 'help', 'add'],
    ]) {
      expect(await runInProcess(args)).toMatchObject({ code: 0, stdout });
    }
    expect((await runInProcess(['help', 'accounts'])).stdout).toContain('rebaseline');
  });

  it('tells the version', async () => {
    expect(await runMailhook(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});
