import { type Command, InvalidArgumentError, Option } from 'commander';
import { DELIVERY_STATES } from '../../shared/delivery.ts';
import { path } from '../api.ts';
import { type Context, show } from '../context.ts';
import { UsageError } from '../errors.ts';
import { listOption, sinceOption } from '../options.ts';
import { type DeliveryJson, namesById, type WebhookJson } from '../resources.ts';
import { count, dueTime, printable, relativeTime, valueText } from '../text.ts';

interface ReplayOptions {
  readonly webhook?: string;
  readonly since?: string;
  readonly state?: readonly string[];
  readonly dryRun?: boolean;
}

/** `mailhook deliveries …`. */
export function addDeliveryCommands(deliveries: Command, context: Context): void {
  deliveries
    .command('list')
    .description('deliveries, newest first')
    .option('--webhook <webhook>', 'of this webhook only')
    .addOption(new Option('--state <state>', 'in this state only').choices(DELIVERY_STATES))
    .action((options: { webhook?: string; state?: string }, command: Command) =>
      list(context, command, options),
    );
  deliveries
    .command('show <id>')
    .description('a delivery with its latest attempts')
    .action((id: string, _options: unknown, command: Command) => showDelivery(context, command, id));
  deliveries
    .command('retry <id>')
    .description('send a delivery now, whatever its state')
    .action(async (id: string, _options: unknown, command: Command) => {
      const answer = (await context.api.send('POST', path`/v1/deliveries/${id}/retry`)) as DeliveryJson;
      await show(context, command, answer, ({ webhook }) => sayRetried(context, webhook));
    });
  deliveries
    .command('replay')
    .description('send again what a webhook had since a time, under the same ids')
    .option('--webhook <webhook>', 'the webhook')
    .addOption(sinceOption('deliveries made since', context.now))
    .addOption(stateListOption())
    .option('--dry-run', 'only count them')
    .action((options: ReplayOptions, command: Command) => replay(context, command, options));
}

function stateListOption(): Option {
  const option = listOption(
    '--state <state>',
    'in this state only, can be repeated (default: all but skipped and cancelled)',
  );
  const collect = option.parseArg;
  return option.argParser((text: string, before: unknown) => {
    if (DELIVERY_STATES.some((state) => state === text)) return collect?.(text, before);
    throw new InvalidArgumentError(`Give ${DELIVERY_STATES.join(', ')}.`);
  });
}

async function list(
  context: Context,
  command: Command,
  { webhook, state }: { webhook?: string; state?: string },
): Promise<void> {
  const answer = await context.api.list<DeliveryJson>('/v1/deliveries', { webhook, state });
  await show(context, command, answer, async () => {
    const { terminal } = context;
    const deliveries = answer.data;
    if (deliveries.length === 0) {
      terminal.line('No deliveries.');
      return;
    }
    const names = await namesById(context.api, '/v1/webhooks');
    await terminal.table(
      ['WEBHOOK', 'STATE', 'ATTEMPTS', 'LAST', 'RESULT', 'NEXT', 'ID'],
      deliveries.map((delivery) => {
        const last = delivery.attempts.at(-1);
        return [
          names.get(delivery.webhook) ?? delivery.webhook,
          terminal.state(delivery.state),
          String(delivery.attempts.length),
          relativeTime(last?.at ?? null, context.now()),
          last === undefined ? '-' : String(last.status ?? last.outcome),
          dueTime(delivery.nextAttemptAt, context.now()),
          { painted: printable(delivery.id) },
        ];
      }),
    );
  });
}

async function showDelivery(context: Context, command: Command, id: string): Promise<void> {
  const answer = (await context.api.send('GET', path`/v1/deliveries/${id}`)) as DeliveryJson;
  await show(context, command, answer, async ({ attempts, ...delivery }) => {
    const { terminal } = context;
    await terminal.fields(
      Object.entries(delivery).map(([name, value]) => [
        name,
        name === 'state' ? terminal.state(delivery.state) : { painted: valueText(value) },
      ]),
    );
    terminal.line();
    await terminal.table(
      ['AT', 'TRIGGER', 'OUTCOME', 'STATUS', 'MS', 'ERROR'],
      attempts.map((attempt) => [
        attempt.at,
        attempt.trigger,
        terminal.state(attempt.outcome),
        String(attempt.status ?? '-'),
        String(Math.round(attempt.durationMs)),
        // The last column pushes nothing out of sight.
        { painted: printable(attempt.error ?? '-') },
      ]),
    );
    if (delivery.state === 'exhausted' || delivery.state === 'rejected') {
      terminal.hint(`Next: npx mailhook deliveries retry ${printable(id)}`);
    }
  });
}

/** A gate that is closed keeps the delivery back, whoever asks for it. */
async function sayRetried(context: Context, webhookId: string): Promise<void> {
  const { terminal, now } = context;
  const { name, state, gate } = (await context.api.send(
    'GET',
    path`/v1/webhooks/${webhookId}`,
  )) as WebhookJson;
  if (state === 'disabled') {
    terminal.line(`The delivery waits, since its webhook ${printable(name)} is disabled.`);
    terminal.hint(`Next: npx mailhook webhooks enable ${printable(name)}`);
  } else if (gate !== null) {
    const until = gate.until === null ? '' : `, and opens ${dueTime(gate.until, now())}`;
    terminal.line(`The delivery waits: its webhook ${printable(name)} is closed (${gate.reason})${until}.`);
  } else terminal.line('The delivery is sent now.');
}

async function replay(context: Context, command: Command, options: ReplayOptions): Promise<void> {
  const { webhook, since, state, dryRun } = options;
  if (webhook === undefined) throw new UsageError('Option --webhook is missing');
  if (since === undefined) throw new UsageError('Option --since is missing');
  const body = { webhook, since, states: state, dryRun: dryRun === true };
  const answer = (await context.api.send('POST', '/v1/deliveries/replay', body)) as {
    readonly states: Readonly<Record<string, number>>;
    readonly matched: number;
    readonly replayed: number;
  };
  await show(context, command, answer, ({ states, matched, replayed }) => {
    const parts = Object.entries(states).map(([state, number]) => `${number} ${state}`);
    const detail = parts.length === 0 ? '' : ` (${parts.join(', ')})`;
    const verb = dryRun === true ? 'would be sent again' : 'sent again';
    const number = dryRun === true ? matched : replayed;
    context.terminal.line(`${count(number, 'delivery', 'deliveries')} ${verb}${detail}.`);
  });
}
