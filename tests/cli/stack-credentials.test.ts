import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliRun, runMailhook } from '../support/cli.ts';
import { ACCESS_KEY_ID, type FakeAws, REGION, SECRET_ACCESS_KEY, startFakeAws } from '../support/fake-aws.ts';

const START_URL = 'https://hunter2.example.com/start';
const CONFIG = `
[profile keys]
region = ${REGION}
[profile process]
region = ${REGION}
credential_process = node --eval "process.exit(1)" hunter2
[profile sso]
region = ${REGION}
sso_start_url = ${START_URL}
sso_region = ${REGION}
sso_account_id = 123456789012
sso_role_name = Operator
[profile mfa]
region = ${REGION}
role_arn = arn:aws:iam::123456789012:role/operator
source_profile = keys
mfa_serial = arn:aws:iam::123456789012:mfa/ana
`;
const CREDENTIALS = `
[keys]
aws_access_key_id = ${ACCESS_KEY_ID}
aws_secret_access_key = ${SECRET_ACCESS_KEY}
`;

let aws: FakeAws;
let home: string;
beforeAll(async () => {
  aws = await startFakeAws(() => Response.json({ data: [], next: null }));
  home = await mkdtemp(join(tmpdir(), 'mailhook-home-'));
  const cache = join(home, '.aws', 'sso', 'cache');
  await mkdir(cache, { recursive: true });
  await writeFile(join(home, '.aws', 'config'), CONFIG);
  await writeFile(join(home, '.aws', 'credentials'), CREDENTIALS);
  const session = {
    accessToken: 'hunter2',
    expiresAt: '2026-01-01T00:00:00Z',
    region: REGION,
    startUrl: START_URL,
  };
  const name = createHash('sha1').update(START_URL).digest('hex');
  await writeFile(join(cache, `${name}.json`), JSON.stringify(session));
});
afterAll(async () => {
  await aws.close();
  await rm(home, { recursive: true, force: true });
});

/** As a process of its own, since the SDK reads its files once. */
async function list(env: Record<string, string>): Promise<CliRun> {
  const ended = await runMailhook(['accounts', 'list', '--stack', 'mailhook'], {
    env: { HOME: home, AWS_ENDPOINT_URL: aws.endpoint, AWS_EC2_METADATA_DISABLED: 'true', ...env },
  });
  expect(ended.stdout + ended.stderr).not.toContain('hunter2');
  return ended;
}

describe('the credentials for a stack', () => {
  it('come from the profile, with the region', async () => {
    const run = await list({ AWS_PROFILE: 'keys' });
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toContain('No accounts yet');
  });

  it.each<[string, Record<string, string>, string]>([
    ['without a region', {}, 'No AWS region: set AWS_REGION, or AWS_PROFILE to a profile that has one'],
    ['for a region that is none', { AWS_REGION: 'eu west' }, 'Cannot use the AWS region: '],
    ['that are nowhere', { AWS_REGION: REGION }, 'No AWS credentials (Could not load credentials from any'],
    ['of an unknown profile', { AWS_REGION: REGION, AWS_PROFILE: 'nope' }, 'No AWS credentials ('],
    ['of a process that fails', { AWS_PROFILE: 'process' }, 'No AWS credentials ('],
    ['of a session that expired', { AWS_PROFILE: 'sso' }, 'The AWS credentials have expired: log in again'],
    ['that need a code', { AWS_PROFILE: 'mfa' }, 'requires multi-factor authentication'],
  ])('%s are reported in one line', async (_, env, line) => {
    const run = await list(env);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toMatch(/^[^\n]+\n$/);
    expect(run.stderr).toContain(line);
  });
});

describe('a command that is not for a stack', () => {
  const hook =
    'import { registerHooks } from "node:module"; registerHooks({ resolve(name, context, next) {' +
    'if (/@aws-sdk|@smithy/.test(name)) throw new Error("loads " + name); return next(name, context); } });';
  const env = {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}`,
    MAILHOOK_PORT: '1',
  };

  it('loads nothing of AWS, which would double the time of its start', async () => {
    expect((await runMailhook(['status'], { env })).stderr).toContain('Cannot reach mailhook at');
    expect((await runMailhook(['status', '--stack', 'x'], { env })).stderr).toContain('loads @aws-sdk');
  });
});
