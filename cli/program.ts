import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { Context } from './context.ts';

type AddCommands = (command: Command, context: Context) => void;

interface Group {
  readonly name: string;
  readonly description: string;
  load(): Promise<AddCommands>;
}

/** Each in a file of its own, which is loaded when it is asked for: a command starts faster without the others. */
const GROUPS: readonly Group[] = [
  {
    name: 'accounts',
    description: 'the mailboxes that are polled',
    load: async () => (await import('./commands/accounts.ts')).addAccountCommands,
  },
  {
    name: 'webhooks',
    description: 'the URLs that take the events',
    load: async () => (await import('./commands/webhooks.ts')).addWebhookCommands,
  },
  {
    name: 'messages',
    description: 'the mails that were seen',
    load: async () => (await import('./commands/messages.ts')).addMessageCommands,
  },
  {
    name: 'deliveries',
    description: 'what is sent to the webhooks',
    load: async () => (await import('./commands/deliveries.ts')).addDeliveryCommands,
  },
  {
    name: 'poll',
    description: 'poll accounts now, all of them without a name, and wait for it',
    load: async () => (await import('./commands/poll-and-status.ts')).addPollCommand,
  },
  {
    name: 'status',
    description: 'counts by state, and what needs a look',
    load: async () => (await import('./commands/poll-and-status.ts')).addStatusCommand,
  },
  {
    name: 'parse',
    description: 'print the event of a mail in a file, without a server and an account',
    load: async () => (await import('./commands/parse.ts')).addParseCommand,
  },
  {
    name: 'apply',
    description: 'make accounts and webhooks as a YAML file says; it removes nothing',
    load: async () => (await import('./commands/apply.ts')).addApplyCommand,
  },
];

const SETTINGS_HELP = `
It talks to the mailhook that npm start runs on this machine. These variables say otherwise:
  MAILHOOK_PORT         its port (default: 8025)
  MAILHOOK_DATA         its data folder, with the token of its API (default: .mailhook beside package.json)
  MAILHOOK_URL          where another one is, with MAILHOOK_TOKEN`;

/**
 * The `mailhook` command, with the subcommands that these arguments can mean. Every command takes `--json` and `--stack`, and throws
 * CommanderError instead of exiting.
 */
export async function createProgram(context: Context, args: readonly string[]): Promise<Command> {
  const program = new Command('mailhook')
    .description('Turns mailboxes into signed webhooks: the command line of a running mailhook')
    .version(version())
    .addHelpText('after', SETTINGS_HELP);
  for (const group of GROUPS) {
    const command = program.command(group.name).description(group.description);
    if (args.includes(group.name)) (await group.load())(command, context);
  }
  prepare(program, context);
  return program;
}

/** Gives every command what commander does not hand down to commands that are made already. */
function prepare(command: Command, context: Context): void {
  command
    .option('--json', "print the API's JSON and nothing else")
    .option('--stack <name>', 'the stack on AWS to talk to, with your AWS credentials [MAILHOOK_STACK]')
    // An event and not an option's value: wherever it is given, the last one wins.
    .on('option:stack', (name: string) => context.useStack(name))
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.streams.stdout.write(text),
      writeErr: (text) => context.streams.stderr.write(text),
      outputError: (text, write) => write(oneLine(text, command)),
    });
  for (const child of command.commands) prepare(child, context);
}

/** Commander puts its guess of what was meant on a line of its own, and `error:` in front. */
function oneLine(text: string, command: Command): string {
  const line = text
    .trim()
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ');
  const sentence = `${line.charAt(0).toUpperCase()}${line.slice(1)}`;
  // The others say themselves what may be given.
  if (!/^(Unknown|Missing|Too many)/.test(sentence)) return `${sentence}\n`;
  return `${sentence.replace(/\.$/, '')}: see npx ${fullName(command)} --help\n`;
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
