import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ACCOUNT, type MiniStack, REGION } from './ministack.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CDK = join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');

/** The outputs of a stack, by name. */
export type Outputs = Readonly<Record<string, string>>;

/** Prepares the account for the CDK, as `npx cdk bootstrap` does. */
export async function bootstrap(aws: MiniStack): Promise<void> {
  await cdk(aws, ['bootstrap', `aws://${ACCOUNT}/${REGION}`]);
}

/** Deploys the real stack with these settings, as `npx cdk deploy` does, and resolves to its outputs. */
export async function deploy(aws: MiniStack, settings: Readonly<Record<string, string>>): Promise<Outputs> {
  const folder = mkdtempSync(join(tmpdir(), 'mailhook-cdk-'));
  try {
    const file = join(folder, 'outputs.json');
    const context = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
    const places = ['--output', join(folder, 'cdk.out'), '--outputs-file', file];
    await cdk(aws, ['deploy', '--require-approval', 'never', ...places, ...context]);
    const [outputs] = Object.values(JSON.parse(readFileSync(file, 'utf8')) as Record<string, Outputs>);
    if (outputs === undefined) throw new Error('The deployment has no outputs');
    return outputs;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the CDK's command line against the local AWS; throws with all that it printed when it fails. */
async function cdk(aws: MiniStack, args: readonly string[]): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'mailhook-cdk-home-'));
  const child = spawn(process.execPath, [CDK, ...args], {
    cwd: ROOT,
    env: {
      ...aws.env,
      PATH: [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter),
      HOME: home,
      // What it remembers of one account must not meet another of the same number.
      CDK_HOME: home,
      CDK_DISABLE_CLI_TELEMETRY: 'true',
      CDK_NOTICES: 'false',
      CI: 'true',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const [code] = await once(child, 'close');
  rmSync(home, { recursive: true, force: true });
  if (code !== 0) throw new Error(`cdk ${args[0]} ended with ${code}:\n${output}`);
}
