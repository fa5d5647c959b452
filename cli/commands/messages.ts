import { once } from 'node:events';
import { type Command, Option } from 'commander';
import { MESSAGE_STATES } from '../../shared/event.ts';
import { path } from '../api.ts';
import { type Context, show } from '../context.ts';
import { sinceOption } from '../options.ts';
import { type MessageJson, type MessageWithLinksJson, namesById } from '../resources.ts';
import { count, dueTime, printable, relativeTime, valueText } from '../text.ts';

interface ListOptions {
  readonly account?: string;
  readonly state?: string;
  readonly since?: string;
}

/** `mailhook messages …`. */
export function addMessageCommands(messages: Command, context: Context): void {
  messages
    .command('list')
    .description('messages, newest first')
    .option('--account <account>', 'of this account only')
    .addOption(new Option('--state <state>', 'in this state only').choices(MESSAGE_STATES))
    .addOption(sinceOption('that came since', context.now))
    .action((options: ListOptions, command: Command) => list(context, command, options));
  messages
    .command('show <id>')
    .description('a message with its deliveries and what is done to it on its server')
    .action((id: string, _options: unknown, command: Command) => showMessage(context, command, id));
  messages
    .command('raw <id>')
    .description('the mail itself, as its server gave it; never JSON')
    .action((id: string) => raw(context, id));
  messages
    .command('replay <ids...>')
    .description('deliver messages again, under the same ids')
    .option('--webhook <webhook>', 'to this webhook only')
    .action((ids: string[], options: { webhook?: string }, command: Command) =>
      replay(context, command, ids, options.webhook),
    );
}

async function list(context: Context, command: Command, options: ListOptions): Promise<void> {
  const { account, state, since } = options;
  const answer = await context.api.list<MessageJson>('/v1/messages', { account, state, since });
  await show(context, command, answer, async () => {
    const { terminal } = context;
    const messages = answer.data;
    if (messages.length === 0) {
      terminal.hint('No messages. npx mailhook poll looks for new ones now');
      return;
    }
    const names = await namesById(context.api, '/v1/accounts');
    await terminal.table(
      ['RECEIVED', 'ACCOUNT', 'STATE', 'FROM', 'SUBJECT', 'ID'],
      messages.map((message) => [
        relativeTime(message.receivedAt, context.now()),
        names.get(message.account) ?? message.account,
        terminal.state(message.state),
        message.from ?? '-',
        message.subject ?? '-',
        message.id,
      ]),
    );
  });
}

async function showMessage(context: Context, command: Command, id: string): Promise<void> {
  const answer = (await context.api.send('GET', path`/v1/messages/${id}`)) as MessageWithLinksJson;
  await show(context, command, answer, async ({ deliveries, links, ...message }) => {
    const { terminal } = context;
    await terminal.fields(
      Object.entries(message).map(([name, value]) => [
        name,
        name === 'state' ? terminal.state(message.state) : valueText(value),
      ]),
    );
    if (links) await showLinks(context, links);
    terminal.line();
    if (deliveries.length === 0) {
      terminal.line('No deliveries: no webhook takes it.');
      return;
    }
    const names = await namesById(context.api, '/v1/webhooks');
    await terminal.table(
      ['WEBHOOK', 'STATE', 'ATTEMPTS', 'NEXT', 'DELIVERY'],
      deliveries.map((delivery) => [
        names.get(delivery.webhook) ?? delivery.webhook,
        terminal.state(delivery.state),
        String(delivery.attempts),
        dueTime(delivery.nextAttemptAt, context.now()),
        // An id is copied: it must not be cut.
        { painted: printable(delivery.id) },
      ]),
    );
  });
}

async function showLinks(
  { terminal, now }: Context,
  { raw: rawHref, attachments, expireAt }: NonNullable<MessageWithLinksJson['links']>,
): Promise<void> {
  terminal.line();
  terminal.line(`Links, which work for whoever has them and end ${relativeTime(expireAt, now())}:`);
  // A link is copied: it must not be cut.
  const painted = (href: string | null) => ({ painted: printable(href ?? '-') });
  await terminal.table(
    ['FILE', 'LINK'],
    [
      ['the raw mail', painted(rawHref)],
      ...attachments.map(({ id, filename, href }) => [filename ?? `attachment ${id}`, painted(href)]),
    ],
  );
}

async function raw(context: Context, id: string): Promise<void> {
  const { stdout } = context.streams;
  for await (const chunk of await context.api.stream(path`/v1/messages/${id}/raw`)) {
    // A mail must not steer the terminal it is shown on; a file or a pipe gets its bytes.
    const bytes = stdout.isTTY ? chunk.toString('latin1').replace(/[^\t\n\r\x20-\x7e]/g, '?') : chunk;
    if (!stdout.write(bytes)) await once(stdout, 'drain');
  }
}

async function replay(
  context: Context,
  command: Command,
  ids: readonly string[],
  webhook: string | undefined,
): Promise<void> {
  const answer = (await context.api.send('POST', '/v1/messages/replay', { ids, webhook })) as {
    readonly deliveries: readonly unknown[];
  };
  await show(context, command, answer, ({ deliveries }) =>
    context.terminal.line(`${count(deliveries.length, 'delivery is', 'deliveries are')} sent again.`),
  );
}
