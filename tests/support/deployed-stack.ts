import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CloudFormationClient,
  CloudFormationServiceException,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { ACCOUNT, type MiniStackAccess, REGION } from './ministack.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CDK = join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');

/** The outputs of a stack, by name. */
export type Outputs = Readonly<Record<string, string>>;

/** Settings of a stack by name, as the command line of the CDK takes them. */
export type StackSettings = Readonly<Record<string, string>> & { readonly name: string };

/** The outputs of the stack of this name; deploys it with the settings unless it is there, and before that prepares the account. */
export async function deployedStack(aws: MiniStackAccess, settings: StackSettings): Promise<Outputs> {
  const present = await outputsOf(aws, settings.name);
  if (present !== null) return present;
  if ((await outputsOf(aws, 'CDKToolkit')) === null) {
    const began = performance.now();
    await cdk(aws, ['bootstrap', `aws://${ACCOUNT}/${REGION}`]);
    console.log(`cdk bootstrap: ${secondsSince(began)}`);
  }
  return await deployStack(aws, settings);
}

/** Deploys the stack, or updates the one that is there to these settings, and says how long that took. */
export async function deployStack(aws: MiniStackAccess, settings: StackSettings): Promise<Outputs> {
  const began = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'mailhook-cdk-'));
  try {
    const context = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
    await cdk(aws, ['deploy', '--require-approval', 'never', '--output', folder, ...context]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const outputs = await outputsOf(aws, settings.name);
  if (outputs === null) throw new Error(`The stack ${settings.name} was deployed and is not there`);
  const resources = await resourcesOf(aws, settings.name);
  console.log(`cdk deploy of ${settings.name}: ${secondsSince(began)}, ${resources} resources`);
  return outputs;
}

const secondsSince = (began: number) => `${((performance.now() - began) / 1_000).toFixed(1)} s`;

async function resourcesOf(aws: MiniStackAccess, name: string): Promise<number> {
  const client = new CloudFormationClient(aws.clientOptions);
  try {
    const { StackResources: resources } = await client.send(
      new DescribeStackResourcesCommand({ StackName: name }),
    );
    return resources?.length ?? 0;
  } finally {
    client.destroy();
  }
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
