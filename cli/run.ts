import { CommanderError } from 'commander';
import { createApi } from './api.ts';
import { connect } from './connect.ts';
import type { Context } from './context.ts';
import { ApiError, UsageError } from './errors.ts';
import { fieldLabel } from './field-label.ts';
import type { Input } from './password.ts';
import { createProgram } from './program.ts';
import { createTerminal, type Output } from './terminal.ts';
import { printable } from './text.ts';

/** What a run of the command has of its process. */
interface CliProcess {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly now: () => Date;
}

const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

/** Runs `mailhook` with these arguments; resolves to the exit code: 0 done, 1 refused or failed, 2 wrong usage. */
export async function runCli(args: readonly string[], host: CliProcess): Promise<number> {
  let exitCode = DONE;
  let stack: string | null = null;
  const streams = { stdout: host.stdout, stderr: host.stderr };
  const context: Context = {
    api: createApi(() => connect(stack, host.env)),
    terminal: createTerminal(streams, host.env),
    streams,
    env: host.env,
    passwords: { env: host.env, stdin: host.stdin, prompt: host.stderr },
    now: host.now,
    useStack: (name) => {
      stack = name;
    },
    fail: () => {
      exitCode = FAILED;
    },
  };
  // The reader of a pipe may go before it has read all (`| head`); that is no failure of ours.
  host.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCode);
    host.stderr.write(`${outputLine(error)}\n`);
    process.exit(FAILED);
  });
  try {
    const asked = helpArguments(args);
    const program = await createProgram(context, asked);
    await program.parseAsync([...asked], { from: 'user' });
    return exitCode;
  } catch (error) {
    return report(error, args.includes('--json'), host);
  }
}

/** `help accounts add` is `accounts add --help`: commander's own `help` looks at the first word only. */
function helpArguments(args: readonly string[]): readonly string[] {
  const [first, ...words] = args;
  return first === 'help' && words.length > 1 ? [...words, '--help'] : args;
}

function report(error: unknown, json: boolean, host: CliProcess): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : WRONG_USAGE;
  if (error instanceof UsageError) {
    host.stderr.write(`${printable(error.message)}\n`);
    return WRONG_USAGE;
  }
  if (error instanceof ApiError) {
    if (json) host.stdout.write(`${JSON.stringify(error.problem)}\n`);
    host.stderr.write(`${printable(problemLine(error))}\n`);
    return error.problem.status === 400 ? WRONG_USAGE : FAILED;
  }
  // A file takes what is written at once, and throws when its disk is full.
  if (error instanceof Error && 'syscall' in error && error.syscall === 'write') {
    host.stderr.write(`${outputLine(error)}\n`);
    return FAILED;
  }
  throw error;
}

function outputLine(error: Error): string {
  return `Cannot write the output: ${printable(error.message)}`;
}

/** What is wrong in the words of the command line: the option's name in place of the field's. */
function problemLine({ message, problem }: ApiError): string {
  if (problem.errors === undefined) return message;
  return problem.errors
    .map(({ path, message: wrong }) => (path === '' ? wrong : `${fieldLabel(path)}: ${wrong}`))
    .join('; ');
}
