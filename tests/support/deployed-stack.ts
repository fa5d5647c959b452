import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CloudFormationClient,
  CloudFormationServiceException,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { ACCOUNT, type MiniStackAccess, REGION } from './ministack.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CDK = join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');

/** The outputs of a stack, by name. */
export type Outputs = Readonly<Record<string, string>>;

/** The outputs of the stack of this name; deploys it with the settings unless it is there, and before that prepares the account. */
export async function deployedStack(
  aws: MiniStackAccess,
  settings: Readonly<Record<string, string>> & { readonly name: string },
): Promise<Outputs> {
  const present = await outputsOf(aws, settings.name);
  if (present !== null) return present;
  if ((await outputsOf(aws, 'CDKToolkit')) === null)
    await cdk(aws, ['bootstrap', `aws://${ACCOUNT}/${REGION}`]);
  const folder = mkdtempSync(join(tmpdir(), 'mailhook-cdk-'));
  try {
    const context = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
    await cdk(aws, ['deploy', '--require-approval', 'never', '--output', folder, ...context]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const outputs = await outputsOf(aws, settings.name);
  if (outputs === null) throw new Error(`The stack ${settings.name} was deployed and is not there`);
  return outputs;
}

/** Null when there is no such stack. */
async function outputsOf(aws: MiniStackAccess, name: string): Promise<Outputs | null> {
  const client = new CloudFormationClient(aws.clientOptions);
  try {
    const { Stacks: stacks } = await client.send(new DescribeStacksCommand({ StackName: name }));
    const outputs = stacks?.[0]?.Outputs ?? [];
    return Object.fromEntries(
      outputs.map(({ OutputKey: key = '', OutputValue: value = '' }) => [key, value]),
    );
  } catch (error) {
    if (error instanceof CloudFormationServiceException && error.name === 'ValidationError') return null;
    throw error;
  } finally {
    client.destroy();
  }
}

/** Runs the CDK's command line against the local AWS; throws with all that it printed when it fails. */
async function cdk(aws: MiniStackAccess, args: readonly string[]): Promise<void> {
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
