import type { Command } from 'commander';
import type { Api } from './api.ts';
import type { PasswordSources } from './password.ts';
import type { Streams, Terminal } from './terminal.ts';

/** What every command works with. */
export interface Context {
  readonly api: Api;
  readonly terminal: Terminal;
  readonly streams: Streams;
  readonly env: NodeJS.ProcessEnv;
  readonly passwords: PasswordSources;
  readonly now: () => Date;
  /** The API is that of this stack on AWS, whatever the environment says. */
  useStack(name: string): void;
  /** The command has done its work, and what it found is a failure: exit code 1. */
  fail(): void;
}

/** Prints an answer: the API's JSON and nothing else with `--json`, else what `human` prints. */
export async function show<Answer>(
  context: Context,
  command: Command,
  answer: Answer,
  human: (answer: Answer) => Promise<void> | void,
): Promise<void> {
  if (wantsJson(command)) context.streams.stdout.write(`${JSON.stringify(answer)}\n`);
  else await human(answer);
}

/** Whether `--json` was given, to the command or before it. */
function wantsJson(command: Command): boolean {
  return command.optsWithGlobals().json === true;
}
