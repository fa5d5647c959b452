import { UsageError } from './errors.ts';

const MAX_PASSWORD_BYTES = 65_536;

/** The options that say where a password comes from. */
export interface PasswordOptions {
  readonly passwordStdin?: boolean;
  readonly passwordEnv?: string;
}

/** Standard input, which may be a terminal. */
export interface Input extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
  /** Only a terminal has it. */
  setRawMode?(mode: boolean): unknown;
}

/** Where a password can come from; the command line is no such place, because everybody on the machine sees it there. */
export interface PasswordSources {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Input;
  /** Where the prompt is shown. */
  readonly prompt: NodeJS.WritableStream;
}

/** The password that the options name; undefined when they name none. Throws UsageError when it is not to be had. */
export async function readPassword(
  sources: PasswordSources,
  options: PasswordOptions,
): Promise<string | undefined> {
  if (options.passwordStdin === true && options.passwordEnv !== undefined) {
    throw new UsageError('Give either --password-stdin or --password-env, not both');
  }
  if (options.passwordEnv !== undefined) return fromEnv(sources.env, options.passwordEnv);
  if (options.passwordStdin !== true) return undefined;
  return sources.stdin.isTTY ? prompt(sources, 'Password: ') : fromStdin(sources.stdin);
}

/** As `readPassword`, and asks on a terminal when no option says where it is. */
export async function requirePassword(sources: PasswordSources, options: PasswordOptions): Promise<string> {
  const password = await readPassword(sources, options);
  if (password !== undefined) return password;
  if (sources.stdin.isTTY) return prompt(sources, 'Password: ');
  throw new UsageError('Give the password with --password-stdin or --password-env VAR');
}

function fromEnv(env: NodeJS.ProcessEnv, name: string): string {
  const password = env[name];
  if (password) return password;
  // A password given where the name belongs must not be shown.
  const shown = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? ` "${name}"` : '';
  throw new UsageError(`The environment variable${shown} of --password-env is not set`);
}

async function fromStdin(stdin: Input): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_PASSWORD_BYTES) throw new UsageError('The password on standard input is too long');
    chunks.push(bytes);
  }
  const password = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (password !== '') return password;
  throw new UsageError('There is no password on standard input');
}

/** Asks on the terminal without showing what is typed. */
async function prompt(
  { stdin: terminal, prompt: output }: PasswordSources,
  question: string,
): Promise<string> {
  // Characters, not bytes: one may come in two pieces.
  terminal.setEncoding('utf8');
  terminal.setRawMode?.(true);
  output.write(question);
  try {
    const password = await readTyped(terminal);
    if (password !== '') return password;
  } finally {
    terminal.setRawMode?.(false);
    terminal.pause();
    output.write('\n');
  }
  throw new UsageError('No password was given');
}

/** What is typed until Enter; empty when it is given up with Ctrl-C or Ctrl-D, which a raw terminal hands over as characters. */
function readTyped(terminal: Input): Promise<string> {
  return new Promise((resolve) => {
    const typed: string[] = [];
    const onData = (chunk: string): void => {
      for (const character of chunk) {
        const isGivenUp = character === '\u0003' || character === '\u0004';
        if (isGivenUp || character === '\r' || character === '\n') {
          terminal.off('data', onData);
          resolve(isGivenUp ? '' : typed.join(''));
          return;
        }
        if (character === '\u007f' || character === '\b') typed.pop();
        else typed.push(character);
      }
    };
    terminal.on('data', onData);
  });
}
