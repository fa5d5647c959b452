import {
  type CloudFormationClient,
  CloudFormationServiceException,
  DescribeStacksCommand,
  type Stack,
} from '@aws-sdk/client-cloudformation';
import { type ApiError, localError, notMailhook } from '../errors.ts';
import { awsError } from './aws-failure.ts';

/** Where a stack's API is; see infra/stack.ts for the outputs. */
export interface FoundStack {
  readonly url: URL;
  /** The ARN of the policy that lets its holder call the API; null for a stack without. */
  readonly accessPolicy: string | null;
  /** CloudFormation's word for what goes on with the stack just now, `UPDATE_IN_PROGRESS` for example; null when nothing does. */
  readonly inProgress: string | null;
}

/** Asks CloudFormation where the API of a stack is. Throws ApiError. */
export async function findStack(
  client: CloudFormationClient,
  name: string,
  region: string,
): Promise<FoundStack> {
  const stack = await describe(client, name, region);
  const status = stack.StackStatus ?? 'unknown';
  const address = output(stack, 'AdminUrl');
  if (address === null) throw withoutUrl(name, status);
  const url = URL.parse(address);
  if (url?.protocol !== 'https:') {
    throw notMailhook(
      `The output AdminUrl of the stack "${name}" is no https URL: is it a stack of mailhook?`,
    );
  }
  // An update that cleans up has succeeded already.
  const inProgress = /(?<!CLEANUP)_IN_PROGRESS$/.test(status) ? status : null;
  return { url, accessPolicy: output(stack, 'AdminAccessPolicy'), inProgress };
}

async function describe(client: CloudFormationClient, name: string, region: string): Promise<Stack> {
  try {
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
    if (stack !== undefined) return stack;
  } catch (error) {
    if (!isUnknownStack(error)) throw awsError(error, `describe the stack "${name}" in ${region}`);
  }
  const detail = `There is no stack "${name}" in ${region}: are the name, the region and the AWS account right?`;
  throw localError('no-such-stack', 'There is no such stack', detail);
}

/** CloudFormation has no error of its own for it. */
function isUnknownStack(error: unknown): boolean {
  return (
    error instanceof CloudFormationServiceException &&
    error.name === 'ValidationError' &&
    error.message.includes('does not exist')
  );
}

function output(stack: Stack, key: string): string | null {
  return stack.Outputs?.find(({ OutputKey }) => OutputKey === key)?.OutputValue ?? null;
}

/** A stack has its outputs once it was deployed, and keeps them while it is updated. */
function withoutUrl(name: string, status: string): ApiError {
  const stack = `The stack "${name}"`;
  if (status.endsWith('_IN_PROGRESS')) {
    const detail = `${stack} is not ready (${status}): try again when that is done`;
    return localError('stack-not-ready', 'The stack is not ready', detail);
  }
  if (/FAILED|ROLLBACK|^DELETE/.test(status)) {
    const detail = `${stack} was not deployed (${status}): see its events, and deploy it again`;
    return localError('stack-not-ready', 'The stack is not ready', detail);
  }
  return notMailhook(`${stack} has no output AdminUrl (${status}): is it a stack of mailhook?`);
}
