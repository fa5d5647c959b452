import { isIP } from 'node:net';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CLIENT_OPTIONS } from '../../shared/aws/clients.ts';
import type { Connection } from '../connection.ts';
import { ApiError, localError, notMailhook, UsageError } from '../errors.ts';
import type { StackSetting } from '../settings.ts';
import { awsError, expiredError, reasonOf } from './aws-failure.ts';
import { type FoundStack, findStack } from './find-stack.ts';
import { signedHeaders } from './sign.ts';

/** What is behind a Function URL, and how it is called in messages. */
interface Target extends FoundStack {
  readonly label: string;
  /** The log group of the function; null when the stack's name is not known. */
  readonly log: string | null;
}

/**
 * The way to the API of a stack: finds its Function URL and signs each request with the caller's AWS credentials, as the SDK
 * finds them. With `AWS_ENDPOINT_URL` all of it goes there instead, the host of the Function URL in the Host header. Throws
 * ApiError, and UsageError for an endpoint that is none.
 */
export async function connectToStack(setting: StackSetting, env: NodeJS.ProcessEnv): Promise<Connection> {
  const endpoint = readEndpoint(env);
  const client = createClient(setting, env);
  const region = await regionOf(client);
  const target = await resolveTarget(setting, client, region);
  const signing = {
    credentials: client.config.credentials,
    region,
    // The SDK has learned from CloudFormation's answer how far the clock of this machine is off.
    now: () => new Date(Date.now() + client.config.systemClockOffset),
  };
  return {
    async prepare(request) {
      const base = target.url.pathname.replace(/\/$/, '');
      const url = new URL(base + request.target, endpoint ?? target.url);
      const { host } = target.url;
      const sent = { ...request, target: url.pathname + url.search };
      try {
        const headers = await signedHeaders(signing, host, sent);
        // Else the name that the certificate is checked for would be taken from the Host header; RFC 6066 section 3: an address is no name.
        const servername = isIP(url.hostname) === 0 ? url.hostname : '';
        return { url, options: { headers, ...(endpoint && { servername }) } };
      } catch (error) {
        throw awsError(error, 'sign a request');
      }
    },
    unreachable: (cause) => `Cannot reach the API of ${target.label}: ${reasonOf(cause)}${meanwhile(target)}`,
    refusal: (status, problem, text) =>
      problem === null ? refusalOf(target, status, text) : new ApiError(problem.detail, problem),
    notJson: () => `The answer of ${target.label} is not JSON: ${lookAt(target)}`,
  };
}

function createClient(setting: StackSetting, env: NodeJS.ProcessEnv): CloudFormationClient {
  // The command line tools of AWS know AWS_DEFAULT_REGION, this SDK does not.
  const given = setting.kind === 'url' ? setting.region : env.AWS_REGION || env.AWS_DEFAULT_REGION;
  return new CloudFormationClient({ ...CLIENT_OPTIONS, ...(given && { region: given }) });
}

async function regionOf(client: CloudFormationClient): Promise<string> {
  try {
    return await client.config.region();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const detail = /missing/.test(error.message)
      ? 'No AWS region: set AWS_REGION, or AWS_PROFILE to a profile that has one'
      : `Cannot use the AWS region: ${reasonOf(error)}`;
    throw localError('no-region', 'There is no AWS region', detail, error);
  }
}

async function resolveTarget(
  setting: StackSetting,
  client: CloudFormationClient,
  region: string,
): Promise<Target> {
  if (setting.kind === 'url') {
    const { url } = setting;
    return { url, accessPolicy: null, inProgress: null, label: url.origin, log: null };
  }
  const { name } = setting;
  const found = await findStack(client, name, region);
  return { ...found, label: `the stack "${name}"`, log: `/aws/lambda/${name}-admin` };
}

function readEndpoint(env: NodeJS.ProcessEnv): URL | null {
  if (!env.AWS_ENDPOINT_URL) return null;
  const url = URL.parse(env.AWS_ENDPOINT_URL);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new UsageError('Cannot use AWS_ENDPOINT_URL: give an http or https URL');
}

/** An answer of Lambda itself, not of the function behind the URL. */
function refusalOf(target: Target, status: number, text: string): ApiError {
  const label = capital(target.label);
  if (status === 403 && /token[^.]*expired/i.test(text)) return expiredError();
  if (status === 403) {
    const policy = target.accessPolicy ?? 'of its output AdminAccessPolicy';
    const detail = `${label} refuses the AWS credentials (403): they need the policy ${policy}${meanwhile(target)}`;
    return localError('not-allowed', 'The AWS credentials are not enough', detail);
  }
  if (status === 429) {
    const detail = `${label} has too much to do (429): try again in a minute`;
    return localError('too-busy', 'The API has too much to do', detail);
  }
  return notMailhook(
    `${label} answered ${status}, and not as mailhook does: ${lookAt(target)}${meanwhile(target)}`,
  );
}

function lookAt({ log }: Target): string {
  return log === null ? 'see the log of its function' : `see the log ${log}`;
}

/** An update may be what is wrong, and then it is over soon. */
function meanwhile({ inProgress }: Target): string {
  return inProgress === null ? '' : `; the stack is just now ${inProgress}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
