import { type Command, Option } from 'commander';
import {
  type AccountOptions,
  accountFields,
  addAccountOptions,
  checkAccountOptions,
} from '../account-options.ts';
import { path } from '../api.ts';
import { type Context, show } from '../context.ts';
import { UsageError } from '../errors.ts';
import { readPassword, requirePassword } from '../password.ts';
import { type AccountDetailJson, type AccountJson, fieldsOf, type StatusJson } from '../resources.ts';
import { count, dueTime, duration, printable, relativeTime, valueText } from '../text.ts';

/** `mailhook accounts …`. */
export function addAccountCommands(accounts: Command, context: Context): void {
  addAccountOptions(
    accounts
      .command('add <name>')
      .description('log in, take what is there as known, and poll from now on; asks for the password')
      .addOption(
        new Option('--protocol <protocol>', 'imap or pop3').choices(['imap', 'pop3']).default('imap'),
      ),
  ).action((name: string, options: AccountOptions, command: Command) => add(context, command, name, options));
  accounts
    .command('list')
    .description('all accounts with their state')
    .action((_options: unknown, command: Command) => list(context, command));
  accounts
    .command('show <name>')
    .description('an account with its settings and its health')
    .action(async (name: string, _options: unknown, command: Command) =>
      showAccount(context, command, await context.api.send('GET', path`/v1/accounts/${name}`)),
    );
  addAccountOptions(
    accounts
      .command('update <name>')
      .description('change the settings that are given; what decides about the login is tried out first')
      .option('--name <name>', 'another name'),
  )
    // After their positive forms: alone, they would be true by default.
    .option('--no-ca-file', 'trust the usual certificates again')
    .option('--no-tls-allow-invalid-certificate', 'verify certificates again')
    .action((name: string, options: AccountOptions, command: Command) =>
      update(context, command, name, options),
    );
  accounts
    .command('test <name>')
    .description('log in and open every mailbox; changes nothing')
    .action((name: string, _options: unknown, command: Command) => test(context, command, name));
  addStateCommands(accounts, context);
  accounts
    .command('remove <name>')
    .description('forget an account with its messages and deliveries; its mail server is left as it is')
    .action(async (name: string, _options: unknown, command: Command) => {
      const answer = await context.api.send('DELETE', path`/v1/accounts/${name}`);
      await show(context, command, answer, () =>
        context.terminal.line(`Account ${printable(name)} is removed.`),
      );
    });
}

function addStateCommands(accounts: Command, context: Context): void {
  const verbs = [
    ['pause', 'do not poll until it is resumed', 'is paused'],
    ['resume', 'poll again, and let through what the flood guard held', 'is polled again'],
    ['rebaseline', 'take what is in the mailboxes now as known', 'counts what is there now as known'],
  ] as const;
  for (const [verb, description, done] of verbs) {
    accounts
      .command(`${verb} <name>`)
      .description(description)
      .action(async (name: string, _options: unknown, command: Command) => {
        const answer = await context.api.send('POST', path`/v1/accounts/${name}/${verb}`);
        await show(context, command, answer, () =>
          context.terminal.line(`Account ${printable(name)} ${done}.`),
        );
      });
  }
}

async function add(context: Context, command: Command, name: string, options: AccountOptions): Promise<void> {
  for (const option of ['host', 'username'] as const) {
    if (options[option] === undefined) throw new UsageError(`Option --${option} is missing`);
  }
  checkAccountOptions(options);
  const fields = await accountFields({ ...options, name });
  const password =
    options.oauth === undefined ? await requirePassword(context.passwords, options) : undefined;
  if (options.tlsAllowInvalidCertificate === true) {
    context.terminal.warn(
      'Warning: any certificate is accepted, so anybody on the way can read the password',
    );
  }
  const account = (await context.api.send('POST', '/v1/accounts', { ...fields, password })) as AccountJson;
  await show(context, command, account, async () => {
    const { terminal } = context;
    const what = account.mailboxes.length === 0 ? 'the maildrop' : valueText(account.mailboxes);
    terminal.line(
      `Account ${printable(account.name)} is added: ${what} on ${printable(account.host)} is polled every ${duration(account.intervalSeconds)}.`,
    );
    if (account.start === 'now')
      terminal.line('What is there already counts as known; mail from now on is delivered.');
    const status = (await context.api.send('GET', '/v1/status')) as StatusJson;
    if (status.warnings.some(({ code }) => code === 'accounts-without-webhook')) {
      terminal.hint('Nothing takes its mail yet. Next: npx mailhook webhooks add URL');
    }
  });
}

async function list(context: Context, command: Command): Promise<void> {
  const answer = await context.api.list<AccountJson>('/v1/accounts');
  await show(context, command, answer, async () => {
    const { terminal } = context;
    const accounts = answer.data;
    if (accounts.length === 0) {
      terminal.hint('No accounts yet. Next: npx mailhook accounts add NAME --host H --username U');
      return;
    }
    await terminal.table(
      ['NAME', 'STATE', 'LOGIN', 'EVERY', 'LAST POLL', 'LAST ERROR'],
      accounts.map((account) => [
        account.name,
        terminal.state(account.state),
        `${account.username} at ${account.host} (${account.protocol})`,
        duration(account.intervalSeconds),
        relativeTime(account.lastPollAt, context.now()),
        account.lastError === null ? '-' : `${account.lastError.code}: ${account.lastError.message}`,
      ]),
    );
  });
}

async function showAccount(context: Context, command: Command, answer: unknown): Promise<void> {
  await show(context, command, answer as AccountDetailJson, async ({ waiting, ...account }) => {
    const { terminal } = context;
    await terminal.fields(
      fieldsOf(account).map(([name, value]) => [
        name,
        name === 'state' ? terminal.state(account.state) : valueText(value),
      ]),
    );
    if (account.state === 'auth_failed') {
      terminal.hint(`Next: npx mailhook accounts update ${printable(account.name)} --password-stdin`);
    }
    if (account.held > 0) {
      terminal.hint(
        `${count(account.held, 'message is', 'messages are')} held: deliver them with accounts resume, or count them as known with accounts rebaseline`,
      );
    }
    if (waiting.messages === 0) return;
    const since = relativeTime(waiting.oldestAt, context.now());
    terminal.line();
    terminal.line(
      `${count(waiting.messages, 'message', 'messages')} could not be fetched yet, the first one ${since}:`,
    );
    await terminal.table(
      ['MESSAGES', 'NEXT TRY', 'REASON'],
      waiting.reasons.map((reason) => [
        String(reason.messages),
        dueTime(reason.nextTryAt, context.now()),
        { painted: printable(reason.error) },
      ]),
    );
  });
}

async function update(
  context: Context,
  command: Command,
  name: string,
  options: AccountOptions,
): Promise<void> {
  if (options.start !== undefined) {
    throw new UsageError(
      '--start is for accounts add only: what was there then is delivered or known by now',
    );
  }
  const fields = await accountFields(options);
  const password = await readPassword(context.passwords, options);
  const body = JSON.parse(JSON.stringify({ ...fields, password })) as Record<string, unknown>;
  if (Object.keys(body).every((key) => key === 'skipTest'))
    throw new UsageError('Nothing to change: give an option');
  const answer = await context.api.send('PATCH', path`/v1/accounts/${name}`, body);
  await show(context, command, answer, () => context.terminal.line(`Account ${printable(name)} is updated.`));
}

async function test(context: Context, command: Command, name: string): Promise<void> {
  const answer = (await context.api.send('POST', path`/v1/accounts/${name}/test`)) as {
    readonly mailboxes: readonly { readonly name: string; readonly messages: number }[];
  };
  await show(context, command, answer, async ({ mailboxes }) => {
    context.terminal.line('The login works.');
    await context.terminal.table(
      ['MAILBOX', 'MESSAGES'],
      mailboxes.map((mailbox) => [mailbox.name || '(maildrop)', String(mailbox.messages)]),
    );
  });
}
