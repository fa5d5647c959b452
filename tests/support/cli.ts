import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { runCli } from '../../cli/run.ts';
import { type ApiServer, startApiServer } from '../../local/api-server.ts';
import { readOrCreateToken } from '../../local/token.ts';
import { type AdminWorld, type AnswerBody, createAdminWorld } from './admin-world.ts';

const MAILHOOK = fileURLToPath(new URL('../../cli/mailhook.mjs', import.meta.url));

/** How a run of the command ended. */
export interface CliRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** Runs `mailhook` as a process of its own, with nothing of this process's environment that it reads. */
export async function runMailhook(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const child = spawn(process.execPath, [MAILHOOK, ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('latin1');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  // A command that reads no input may have ended before it is written.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: Buffer.from(stdout, 'latin1').toString('utf8'), stderr };
}

/** Runs `mailhook` in this process, which is ten times faster: for tables of many cases. It sees no terminal. */
export async function runInProcess(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  stdin.end(options.stdin ?? '');
  const code = await runCli(args, {
    env: { ...options.env },
    // A pipe is all that the command line finds where there is no terminal.
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    now: () => new Date(),
  });
  return { code, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') };
}

/** The command line in front of a real server on loopback. */
export interface CliWorld extends AdminWorld {
  readonly server: ApiServer;
  readonly env: Readonly<Record<string, string>>;
  /** In this process. */
  run(args: readonly string[], options?: CliOptions): Promise<CliRun>;
  /** As a process of its own. */
  spawn(args: readonly string[], options?: CliOptions): Promise<CliRun>;
  /** Adds the account `ana`. */
  addAccount(...more: string[]): Promise<CliRun>;
  /** Adds a webhook for http://127.0.0.1:3000/mail. */
  addWebhook(...more: string[]): Promise<CliRun>;
  /** What the API answers to a GET. */
  get(path: string): Promise<AnswerBody>;
  /** Runs with `--json` and gives the exit code and what stdout holds, read. */
  json(
    args: readonly string[],
    options?: CliOptions,
  ): Promise<{ readonly code: number | null; readonly body: unknown }>;
}

/** `accounts add ana …`, all but the password, which comes from standard input. */
export const ADD_ANA = [
  ...['accounts', 'add', 'ana', '--host', 'imap.example.com'],
  ...['--username', 'ana@example.com', '--password-stdin'],
];

export async function createCliWorld(): Promise<CliWorld> {
  const world = await createAdminWorld();
  const folder = await mkdtemp(join(tmpdir(), 'mailhook-cli-'));
  const token = await readOrCreateToken(folder);
  const server = await startApiServer({ app: world.app, port: 0, token });
  const env = { MAILHOOK_PORT: String(server.port), MAILHOOK_DATA: folder };
  const run: CliWorld['run'] = (args, options = {}) =>
    runInProcess(args, { ...options, env: { ...env, ...options.env } });
  return {
    ...world,
    server,
    env,
    run,
    spawn: (args, options = {}) => runMailhook(args, { ...options, env: { ...env, ...options.env } }),
    addAccount: (...more) => run([...ADD_ANA, ...more], { stdin: 'hunter2\n' }),
    addWebhook: (...more) => run(['webhooks', 'add', 'http://127.0.0.1:3000/mail', ...more]),
    get: async (path) => (await world.call('GET', path)).body,
    async json(args, options) {
      const { code, stdout } = await run([...args, '--json'], options);
      return { code, body: JSON.parse(stdout) as unknown };
    },
    async close() {
      await server.close();
      await world.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
