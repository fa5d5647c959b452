import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliWorld, createCliWorld } from '../support/cli.ts';

const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
const FILE = `
accounts:
  - name: ana
    host: IMAP.example.com
    username: ana@example.com
    password: \${ANA_PASSWORD}
    mailboxes: [inbox, Sent]
    start: all
    onDelivered: "flag:\\\\flagged"
    port: \${PORT}
  - name: pop
    protocol: pop3
    host: pop.example.com
    username: pop
    password: \${POP_PASSWORD}
    deleteAfterDays: 30
webhooks:
  - name: crm
    url: http://127.0.0.1:3000/mail#top
    accounts: [ana]
    events: [message.*, account.auth_failed]
    headers:
      Authorization: Bearer \${TOKEN}
    secret: \${SECRET}
  - name: all
    url: http://127.0.0.1:4000/
    accounts: null
`;
const ENV = {
  // Would change what the file means, if it were put in before the file is read.
  ANA_PASSWORD: 'x"]}, {name: eve',
  POP_PASSWORD: 'hunter2',
  PORT: '1993',
  TOKEN: 'hunter2-token',
  SECRET,
};

let world: CliWorld;
let folder: string;
beforeEach(async () => {
  world = await createCliWorld();
  folder = await mkdtemp(join(tmpdir(), 'mailhook-apply-'));
});
afterEach(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

async function apply(
  yaml: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = ENV,
) {
  const file = join(folder, 'mailhook.yaml');
  await writeFile(file, yaml);
  return world.run(['apply', file, ...args], { env });
}
const api = async (path: string) => (await world.call('GET', path)).body;

describe('apply', () => {
  it('makes what the file says, shows no secret, and does nothing the second time', async () => {
    const first = await apply(FILE);
    expect(first).toEqual({
      code: 0,
      stdout:
        '+ account ana  create\n+ account pop  create\n+ webhook crm  create\n+ webhook all  create\n' +
        '4 created, 0 updated, 0 unchanged\n',
      stderr: '',
    });
    expect(await api('/v1/accounts/ana')).toMatchObject({
      host: 'imap.example.com',
      port: 1993,
      mailboxes: ['INBOX', 'Sent'],
      start: 'all',
      onDelivered: 'flag:\\Flagged',
    });
    expect(await api('/v1/accounts/pop')).toMatchObject({ protocol: 'pop3', deleteAfterDays: 30 });
    expect(await api('/v1/webhooks/crm')).toMatchObject({
      url: 'http://127.0.0.1:3000/mail',
      accounts: [(await api('/v1/accounts/ana')).id],
      headers: ['Authorization'],
    });
    expect((await api('/v1/webhooks/crm/secret')).secret).toBe(SECRET);

    const second = await apply(FILE);
    expect(second).toMatchObject({ code: 0, stderr: '' });
    expect(second.stdout).toContain('0 created, 0 updated, 4 unchanged');
    expect(first.stdout + second.stdout).not.toMatch(/hunter2|whsec_/);
  });

  it('with --dry-run shows the plan and does nothing', async () => {
    const run = await apply(FILE, ['--dry-run']);
    expect(run.stdout).toContain('4 to create, 0 to update, 0 unchanged');
    expect((await api('/v1/accounts')).data).toEqual([]);
  });

  it('names the fields that it changes, leaves others alone and removes nothing', async () => {
    await apply(FILE);
    const changed = await apply('accounts:\n  - {name: Ana, intervalSeconds: 60, start: all}\n');
    expect(changed.stdout).toBe(
      '~ account Ana  update: intervalSeconds\n0 created, 1 updated, 0 unchanged\n',
    );
    expect(await api('/v1/accounts/ana')).toMatchObject({ intervalSeconds: 60, port: 1993 });
    expect((await api('/v1/webhooks')).data).toHaveLength(2);
  });

  it('sets a password again, since it cannot be compared, and a secret only when it is another', async () => {
    await apply(FILE);
    const other = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
    const run = await apply(FILE, ['--json'], { ...ENV, POP_PASSWORD: 'new', SECRET: other });
    expect(JSON.parse(run.stdout)).toEqual({
      dryRun: false,
      steps: [
        { kind: 'account', name: 'ana', action: 'unchanged', changes: [], error: null },
        { kind: 'account', name: 'pop', action: 'unchanged', changes: [], error: null },
        { kind: 'webhook', name: 'crm', action: 'update', changes: ['secret'], error: null },
        { kind: 'webhook', name: 'all', action: 'unchanged', changes: [], error: null },
      ],
    });
    const pop = await world.embedded.store.accountByName('pop');
    if (pop === null) throw new Error('The account is not there');
    const password = await world.embedded.vault.open('mailbox-credential', pop.id, pop.credential);
    expect(Buffer.from(password).toString()).toBe('new');
    expect((await api('/v1/webhooks/crm/secret')).secret).toBe(other);
  });

  it('goes on after a failure, names it and exits with 1', async () => {
    const run = await apply(
      `accounts:\n  - {name: bad, host: 169.254.169.254, username: u, password: "\${TOKEN}"}\n` +
        'webhooks:\n  - {name: crm, url: "http://127.0.0.1:3000/"}\n',
    );
    expect(run.code).toBe(1);
    expect(run.stdout).toContain(
      '+ account bad  create (failed)\n+ webhook crm  create\n1 created, 0 updated, 0 unchanged, 1 failed',
    );
    expect(run.stderr).toMatch(/^account bad: [^\n]+\n$/);
    expect(run.stderr).not.toContain('hunter2');
  });

  it('warns of a secret that stands in the file', async () => {
    const run = await apply('accounts: [{name: a, host: h, username: u, password: hunter2}]');
    expect(run.code).toBe(0);
    expect(run.stderr).toBe(
      `Warning: accounts[0].password stands in the file: write \${VARIABLE} and set the variable\n`,
    );
  });

  it.each([
    ['accounts: [{name: a, hots: x}]', 'accounts[0]: unknown key "hots"'],
    ['accunts: []', 'unknown key "accunts"'],
    ['accounts: [{host: x}]', 'accounts[0].name is missing'],
    ['accounts: [{name: a}, {name: A}]', 'the name "a" is there twice'],
    ['accounts: [{name: a, port: many}]', 'accounts[0].port must be a number'],
    ['accounts: [{name: a, mailboxes: INBOX}]', 'accounts[0].mailboxes must be a list of texts'],
    [
      `accounts: [{name: a, password: "\${NO_SUCH}"}]`,
      'accounts[0].password: the environment variable "NO_SUCH" is not set',
    ],
    [`accounts: [{name: a, password: "\${no such}"}]`, `write a variable as \${NAME}`],
    ['accounts: {name: a}', 'accounts must be a list'],
    ['- a', 'must have the keys accounts and webhooks'],
    ['webhooks: [{name: w, url: x, url: y}]', 'DUPLICATE_KEY'],
    ['webhooks: [{name: w, headers: [a]}]', 'webhooks[0].headers must be a map of texts'],
  ])('refuses %j with exit 2 and one line', async (yaml, message) => {
    const run = await apply(yaml);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain(message);
    expect(run.stderr).toMatch(/^[^\n]+\n$/);
    expect((await api('/v1/accounts')).data).toEqual([]);
  });

  it('refuses to change what a name stands for', async () => {
    await apply(FILE);
    const run = await apply('accounts: [{name: ana, protocol: pop3}]');
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain('protocol cannot be changed');
  });
});
