import { type CliOptions, type CliRun, runMailhook } from './cli.ts';
import { deployedStack, type Outputs } from './deployed-stack.ts';
import type { MiniStackAccess } from './ministack.ts';

/** The deployed stack as its owner sees it: by its command line. */
export interface StackWorld {
  readonly name: string;
  readonly outputs: Outputs;
  /** Runs `mailhook` against the stack with the account's own credentials. */
  run(args: readonly string[], options?: CliOptions): Promise<CliRun>;
  /** The same with `--json`, and gives what it answered; throws with what it said when it failed. */
  json<Answer>(args: readonly string[], options?: CliOptions): Promise<Answer>;
}

/** The stack that every test shares: mail servers and receivers on loopback are allowed, as its owner may decide. */
export function openStack(aws: MiniStackAccess): Promise<StackWorld> {
  return openStackWith(aws, { name: 'mailhook', egressAllow: '127.0.0.0/8', removalPolicy: 'destroy' });
}

/** A stack with settings of its own. */
export async function openStackWith(
  aws: MiniStackAccess,
  settings: Readonly<Record<string, string>> & { readonly name: string },
): Promise<StackWorld> {
  const outputs = await deployedStack(aws, settings);
  const { name } = settings;
  const run: StackWorld['run'] = (args, options = {}) =>
    runMailhook(['--stack', name, ...args], { ...options, env: { ...aws.env, ...options.env } });
  return {
    name,
    outputs,
    run,
    async json<Answer>(args: readonly string[], options?: CliOptions) {
      const { code, stdout, stderr } = await run([...args, '--json'], options);
      if (code !== 0) throw new Error(`mailhook ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
      return JSON.parse(stdout) as Answer;
    },
  };
}
