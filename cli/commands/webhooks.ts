import { type Command, Option } from 'commander';
import { ATTACHMENT_FORMS } from '../../shared/webhook.ts';
import { readOptionFile } from '../account-options.ts';
import { path } from '../api.ts';
import { type Context, show } from '../context.ts';
import { UsageError } from '../errors.ts';
import { integerOption, listOption, parseHeaders } from '../options.ts';
import { type AttemptJson, fieldsOf, namesById, type WebhookJson } from '../resources.ts';
import { printable, relativeTime, valueText } from '../text.ts';

/** Selects all accounts in `webhooks update`, where leaving `--account` out changes nothing. */
const ALL_ACCOUNTS = '*';

interface WebhookOptions {
  readonly url?: string;
  readonly name?: string;
  readonly account?: readonly string[];
  readonly events?: readonly string[];
  readonly filter?: string;
  readonly transform?: string;
  readonly header?: readonly string[] | false;
  readonly attachments?: string;
  readonly timeout?: number;
  readonly maxPerMinute?: number;
}

/** `mailhook webhooks …`. */
export function addWebhookCommands(webhooks: Command, context: Context): void {
  addWebhookOptions(webhooks.command('add <url>').description('register a URL; prints its secret')).action(
    (url: string, options: WebhookOptions, command: Command) => add(context, command, url, options),
  );
  webhooks
    .command('list')
    .description('all webhooks with their state')
    .action((_options: unknown, command: Command) => list(context, command));
  webhooks
    .command('show <webhook>')
    .description('a webhook with its settings and its state')
    .action(async (id: string, _options: unknown, command: Command) =>
      showWebhook(context, command, await context.api.send('GET', path`/v1/webhooks/${id}`)),
    );
  addWebhookOptions(
    webhooks
      .command('update <webhook>')
      .description('change the settings that are given')
      .option('--url <url>', 'another URL'),
  )
    // After `--header`: alone, it would make it true by default.
    .option('--no-header', 'send no extra headers any more')
    .action((id: string, options: WebhookOptions, command: Command) => update(context, command, id, options));
  webhooks
    .command('test <webhook>')
    .description('send a signed webhook.test event once')
    .action((id: string, _options: unknown, command: Command) => test(context, command, id));
  addStateCommands(webhooks, context);
  addSecretCommands(webhooks, context);
  webhooks
    .command('remove <webhook>')
    .description('forget a webhook; what it has not taken yet is cancelled')
    .action(async (id: string, _options: unknown, command: Command) => {
      const answer = await context.api.send('DELETE', path`/v1/webhooks/${id}`);
      await show(context, command, answer, () =>
        context.terminal.line(`Webhook ${printable(id)} is removed.`),
      );
    });
}

function addWebhookOptions(command: Command): Command {
  return command
    .option('--name <name>', 'its name (default: the host of the URL)')
    .addOption(
      listOption(
        '--account <account>',
        `an account it takes events of, can be repeated; ${ALL_ACCOUNTS} for all (default)`,
      ),
    )
    .addOption(listOption('--events <type>', 'a type of event, can be repeated (default: message.*)'))
    .option('--filter <jsonata>', 'not available yet')
    .option('--transform <file>', 'not available yet')
    .addOption(listOption('--header <header>', "an extra header 'Name: value', can be repeated"))
    .addOption(
      new Option(
        '--attachments <how>',
        'link to them (default), inline: those that fit besides, none: no bytes',
      ).choices(ATTACHMENT_FORMS),
    )
    .addOption(integerOption('--timeout <seconds>', 'how long to wait for the answer (default: 15)'))
    .addOption(integerOption('--max-per-minute <number>', 'not available yet'));
}

function addStateCommands(webhooks: Command, context: Context): void {
  const verbs = [
    ['enable', 'send again, also what was parked', 'is enabled'],
    ['disable', 'park what comes until it is enabled', 'is disabled'],
  ] as const;
  for (const [verb, description, done] of verbs) {
    webhooks
      .command(`${verb} <webhook>`)
      .description(description)
      .action(async (id: string, _options: unknown, command: Command) => {
        const answer = await context.api.send('POST', path`/v1/webhooks/${id}/${verb}`);
        await show(context, command, answer, () =>
          context.terminal.line(`Webhook ${printable(id)} ${done}.`),
        );
      });
  }
}

function addSecretCommands(webhooks: Command, context: Context): void {
  webhooks
    .command('rotate-secret <webhook>')
    .description('sign with a new secret; the old one signs along for a while')
    .addOption(integerOption('--grace <hours>', 'for how long (default: 24; 0 ends it at once)', 0))
    .action(async (id: string, { grace }: { grace?: number }, command: Command) => {
      const body = grace === undefined ? {} : { graceHours: grace };
      const answer = await context.api.send('POST', path`/v1/webhooks/${id}/rotate-secret`, body);
      await show(context, command, answer as WebhookJson, ({ secret = '' }) => context.terminal.line(secret));
    });
  webhooks
    .command('secret <webhook>')
    .description('print the newest secret')
    .action(async (id: string, _options: unknown, command: Command) => {
      const answer = await context.api.send('GET', path`/v1/webhooks/${id}/secret`);
      await show(context, command, answer as WebhookJson, ({ secret = '' }) => context.terminal.line(secret));
    });
}

async function webhookFields(options: WebhookOptions): Promise<Record<string, unknown>> {
  return {
    name: options.name,
    accounts: options.account?.includes(ALL_ACCOUNTS) ? null : options.account,
    events: options.events,
    filter: options.filter,
    transform: await readOptionFile('--transform', options.transform),
    headers: options.header === false ? {} : options.header && parseHeaders(options.header),
    attachments: options.attachments,
    timeoutSeconds: options.timeout,
    maxPerMinute: options.maxPerMinute,
  };
}

function checkUrl(url: string): void {
  const protocol = URL.parse(url)?.protocol;
  if (protocol === 'https:' || protocol === 'http:') return;
  // Not shown: the URL of a webhook may hold a token.
  throw new UsageError('Give the URL as https://host/path or http://host/path');
}

async function add(context: Context, command: Command, url: string, options: WebhookOptions): Promise<void> {
  checkUrl(url);
  const fields = await webhookFields(options);
  const answer = (await context.api.send('POST', '/v1/webhooks', { url, ...fields })) as WebhookJson;
  await show(context, command, answer, async (webhook) => {
    const { terminal } = context;
    terminal.line(`Webhook ${printable(webhook.name)} is added.`);
    await terminal.fields([
      ['id', webhook.id],
      ['url', webhook.url],
      ['events', valueText(webhook.events)],
      ['accounts', await accountsText(context, webhook)],
      ['secret', { painted: printable(webhook.secret ?? '') }],
    ]);
    terminal.hint(
      `Give the secret to the receiver. Next: npx mailhook webhooks test ${printable(webhook.name)}`,
    );
  });
}

async function list(context: Context, command: Command): Promise<void> {
  const answer = await context.api.list<WebhookJson>('/v1/webhooks');
  await show(context, command, answer, async () => {
    const { terminal } = context;
    const webhooks = answer.data;
    if (webhooks.length === 0) {
      terminal.hint('No webhooks yet. Next: npx mailhook webhooks add URL');
      return;
    }
    const names = await namesById(context.api, '/v1/accounts');
    await terminal.table(
      ['NAME', 'STATE', 'URL', 'ACCOUNTS', 'EVENTS', 'PENDING', 'LAST SUCCESS'],
      webhooks.map((webhook) => [
        webhook.name,
        terminal.state(stateText(webhook)),
        webhook.url,
        namesText(webhook, names),
        valueText(webhook.events),
        String(webhook.pending),
        relativeTime(webhook.lastSuccessAt, context.now()),
      ]),
    );
  });
}

function namesText({ accounts }: WebhookJson, names: ReadonlyMap<string, string>): string {
  return accounts === null ? 'all' : valueText(accounts.map((id) => names.get(id) ?? id));
}

async function accountsText({ api }: Context, webhook: WebhookJson): Promise<string> {
  return namesText(webhook, webhook.accounts === null ? new Map() : await namesById(api, '/v1/accounts'));
}

function stateText({ state, gate }: WebhookJson): string {
  return gate === null || gate.reason === state ? state : `${state}, ${gate.reason}`;
}

async function showWebhook(context: Context, command: Command, answer: unknown): Promise<void> {
  await show(context, command, answer as WebhookJson, async (webhook) => {
    const { terminal } = context;
    const accounts = await accountsText(context, webhook);
    await terminal.fields(
      fieldsOf(webhook).map(([name, value]) => {
        if (name === 'state') return [name, terminal.state(webhook.state)];
        return [name, name === 'accounts' ? accounts : valueText(value)];
      }),
    );
    if (webhook.state === 'disabled') {
      terminal.hint(`Next: npx mailhook webhooks enable ${printable(webhook.name)}`);
    }
  });
}

async function update(
  context: Context,
  command: Command,
  id: string,
  options: WebhookOptions,
): Promise<void> {
  if (options.url !== undefined) checkUrl(options.url);
  const fields = { url: options.url, ...(await webhookFields(options)) };
  if (Object.values(fields).every((value) => value === undefined)) {
    throw new UsageError('Nothing to change: give an option');
  }
  const answer = await context.api.send('PATCH', path`/v1/webhooks/${id}`, fields);
  await show(context, command, answer, () => context.terminal.line(`Webhook ${printable(id)} is updated.`));
}

async function test(context: Context, command: Command, id: string): Promise<void> {
  const answer = (await context.api.send('POST', path`/v1/webhooks/${id}/test`)) as AttemptJson;
  const isDelivered = answer.outcome === 'delivered';
  if (!isDelivered) context.fail();
  await show(context, command, answer, (attempt) => {
    const status = attempt.status === null ? 'no answer' : `status ${attempt.status}`;
    const result = `${status} after ${Math.round(attempt.durationMs)} ms`;
    if (isDelivered) context.terminal.line(`Delivered: ${result}.`);
    else context.terminal.warn(`Not delivered (${attempt.outcome}): ${result}: ${attempt.error ?? ''}`);
  });
}
