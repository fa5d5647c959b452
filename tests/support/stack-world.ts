import { type CliOptions, type CliRun, runMailhook } from './cli.ts';
import { deployedStack, deployStack, type Outputs, type StackSettings } from './deployed-stack.ts';
import type { MiniStackAccess } from './ministack.ts';

/** Commands that run at once where one does not need another: as many as there are processors on a small machine. */
const COMMANDS_AT_ONCE = 2;

/** The deployed stack as its owner sees it: by its command line. */
export interface StackWorld {
  readonly name: string;
  readonly outputs: Outputs;
  /** Runs `mailhook` against the stack with the account's own credentials. */
  run(args: readonly string[], options?: CliOptions): Promise<CliRun>;
  /** The same with `--json`, and gives what it answered; throws with what it said when it failed. */
  json<Answer>(args: readonly string[], options?: CliOptions): Promise<Answer>;
  /** Removes all accounts and webhooks. */
  clear(): Promise<void>;
  /** Deploys it again with settings changed. */
  update(changed: Readonly<Record<string, string>>): Promise<void>;
}

/** The stack that every test shares: mail servers and receivers on loopback are allowed, as its owner may decide. */
export function openStack(aws: MiniStackAccess): Promise<StackWorld> {
  return openStackWith(aws, { name: 'mailhook', egressAllow: '127.0.0.0/8', removalPolicy: 'destroy' });
}

/** A stack with settings of its own. */
export async function openStackWith(aws: MiniStackAccess, settings: StackSettings): Promise<StackWorld> {
  const outputs = await deployedStack(aws, settings);
  const { name } = settings;
  const run: StackWorld['run'] = (args, options = {}) =>
    runMailhook(['--stack', name, ...args], { ...options, env: { ...aws.env, ...options.env } });
  const json: StackWorld['json'] = async <Answer>(args: readonly string[], options?: CliOptions) => {
    const { code, stdout, stderr } = await run([...args, '--json'], options);
    if (code !== 0) throw new Error(`mailhook ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
    return JSON.parse(stdout) as Answer;
  };
  return {
    name,
    outputs,
    run,
    json,
    async clear() {
      for (const kind of ['accounts', 'webhooks']) {
        const { data } = await json<{ data: readonly { id: string }[] }>([kind, 'list']);
        const waiting = data.values();
        const worker = async () => {
          for (const { id } of waiting) await json([kind, 'remove', id]);
        };
        await Promise.all(Array.from({ length: COMMANDS_AT_ONCE }, worker));
      }
    },
    async update(changed) {
      await deployStack(aws, { ...settings, ...changed });
    },
  };
}
