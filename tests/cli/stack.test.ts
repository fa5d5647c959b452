import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AdminWorld, createAdminWorld } from '../support/admin-world.ts';
import { ADD_ANA, type CliOptions, type CliRun, runInProcess } from '../support/cli.ts';
import {
  ACCESS_KEY_ID,
  ACCESS_POLICY,
  awsError,
  type FakeAws,
  FUNCTION_HOST,
  REGION,
  SECRET_ACCESS_KEY,
  startFakeAws,
} from '../support/fake-aws.ts';

let world: AdminWorld;
let aws: FakeAws;
beforeAll(async () => {
  world = await createAdminWorld();
  aws = await startFakeAws((request) => world.app.fetch(request));
});
afterAll(async () => {
  await aws.close();
  await world.close();
});
beforeEach(() => {
  aws.cloudFormation = null;
  aws.functionUrl = null;
  aws.seen.length = 0;
});
afterEach(() => vi.unstubAllEnvs());

/** Runs in this process, whose environment is where the SDK looks. */
async function run(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const env: Record<string, string> = {
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_ACCESS_KEY_ID: ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY: SECRET_ACCESS_KEY,
    AWS_REGION: REGION,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/no/such/file',
    AWS_SHARED_CREDENTIALS_FILE: '/no/such/file',
    ...options.env,
  };
  for (const name of ['AWS_PROFILE', 'AWS_SESSION_TOKEN', 'AWS_DEFAULT_REGION']) vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const ended = await runInProcess(args, { ...options, env });
  expect(ended.stdout + ended.stderr).not.toContain('hunter2');
  return ended;
}

const STACK = { env: { MAILHOOK_STACK: 'mailhook' } };

describe('commands against a stack', () => {
  it('do what they do elsewhere, every request signed for the Function URL', async () => {
    const added = await run([...ADD_ANA, '--stack', 'mailhook'], { stdin: 'hunter2\n' });
    expect(added).toMatchObject({ code: 0, stderr: '' });
    const shown = await run(['accounts', 'show', 'ana', '--json'], STACK);
    expect(JSON.parse(shown.stdout)).toMatchObject({ name: 'ana', host: 'imap.example.com' });
    expect((await run(['accounts', 'update', 'ana', '--interval', '60'], STACK)).code).toBe(0);
    expect((await run(['accounts', 'remove', 'ana'], STACK)).code).toBe(0);
    expect(aws.seen.length).toBeGreaterThan(7);
    for (const { host, signature } of aws.seen) {
      const service = host === FUNCTION_HOST ? 'lambda' : 'cloudformation';
      expect(signature).toMatchObject({ ok: true, accessKeyId: ACCESS_KEY_ID, region: REGION, service });
    }
    expect(new Set(aws.seen.map(({ method }) => method))).toEqual(
      new Set(['GET', 'POST', 'PATCH', 'DELETE']),
    );
  });

  it('sign names and queries with characters that are escaped', async () => {
    const missing = await run(['accounts', 'show', "a b+c/d*'(é)~ü", '--json'], STACK);
    expect(JSON.parse(missing.stdout)).toMatchObject({ code: 'account-not-found' });
    const listed = await run(['messages', 'list', '--account', "a b+c&d*'(é)~=", '--json'], STACK);
    expect(JSON.parse(listed.stdout)).toMatchObject({ code: 'account-not-found' });
    expect(aws.seen.every(({ signature }) => signature.ok)).toBe(true);
  });

  it('send the session token of temporary credentials along', async () => {
    await run(['accounts', 'list'], { env: { ...STACK.env, AWS_SESSION_TOKEN: 'token-hunter2' } });
    expect(aws.seen.map(({ token, signature }) => [token, signature.ok])).toEqual([
      ['token-hunter2', true],
      ['token-hunter2', true],
    ]);
  });

  it('take bytes as they are', async () => {
    await run(['accounts', 'add', 'raw', ...ADD_ANA.slice(3), '--stack', 'mailhook'], { stdin: 'hunter2\n' });
    const account = JSON.parse((await run(['accounts', 'show', 'raw', '--json'], STACK)).stdout) as {
      id: string;
    };
    const [id = ''] = await world.commit(account.id, ['one']);
    expect((await run(['messages', 'raw', id], STACK)).stdout).toMatch(/^Subject: one\r\n\r\nbytes /);
  });

  it('go to the last stack that was named, before the environment', async () => {
    const env = { MAILHOOK_STACK: 'nope', MAILHOOK_URL: 'http://127.0.0.1:1', MAILHOOK_TOKEN: 'hunter2' };
    expect((await run(['--stack', 'other', 'status', '--stack=mailhook'], { env })).code).toBe(0);
    expect((await run(['--stack', 'mailhook', 'status'], { env })).code).toBe(0);
  });

  it('take the region that other tools of AWS take', async () => {
    const env = { ...STACK.env, AWS_REGION: '', AWS_DEFAULT_REGION: REGION };
    expect((await run(['status'], { env })).code).toBe(0);
  });

  it('need no CloudFormation with the Function URL itself', async () => {
    const env = { MAILHOOK_URL: `https://${FUNCTION_HOST}/`, AWS_REGION: 'us-east-1' };
    expect((await run(['status'], { env })).code).toBe(0);
    expect(aws.seen).toMatchObject([{ host: FUNCTION_HOST, signature: { ok: true, region: REGION } }]);
  });

  it('work while the stack is updated', async () => {
    const { outputs = {} } = aws.stacks.get('mailhook') ?? {};
    aws.stacks.set('updated', { status: 'UPDATE_IN_PROGRESS', outputs });
    expect((await run(['status', '--stack', 'updated'])).code).toBe(0);
    aws.functionUrl = { status: 403, body: '{"Message":"Forbidden"}' };
    const refused = await run(['status', '--stack', 'updated']);
    expect(refused.stderr).toContain('; the stack is just now UPDATE_IN_PROGRESS\n');
  });
});

async function failure(args: readonly string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await run([...args, '--json'], { env: { ...STACK.env, ...env } });
  expect(stderr).toMatch(/^[^\n]+\n$/);
  const problem = stdout === '' ? null : (JSON.parse(stdout) as { code: string; detail: string });
  if (problem !== null) expect(problem.detail).toBe(stderr.trimEnd());
  return { exit: code, code: problem?.code ?? null, line: stderr.trimEnd() };
}

describe('a stack that cannot be talked to', () => {
  it('is named when there is none', async () => {
    expect(await failure(['status', '--stack', 'prod'])).toEqual({
      exit: 1,
      code: 'no-such-stack',
      line: `There is no stack "prod" in ${REGION}: are the name, the region and the AWS account right?`,
    });
  });

  it.each([
    ['CREATE_IN_PROGRESS', 'stack-not-ready', 'is not ready (CREATE_IN_PROGRESS): try again'],
    ['ROLLBACK_COMPLETE', 'stack-not-ready', 'was not deployed (ROLLBACK_COMPLETE)'],
    ['REVIEW_IN_PROGRESS', 'stack-not-ready', 'is not ready (REVIEW_IN_PROGRESS)'],
    ['CREATE_COMPLETE', 'not-mailhook', 'has no output AdminUrl (CREATE_COMPLETE)'],
  ])('without an address is told by its status %s', async (status, code, line) => {
    aws.stacks.set('young', { status, outputs: {} });
    const failed = await failure(['status', '--stack', 'young']);
    expect(failed).toMatchObject({ exit: 1, code });
    expect(failed.line).toContain(line);
  });

  it('whose address is no https URL is not asked', async () => {
    aws.stacks.set('odd', { status: 'CREATE_COMPLETE', outputs: { AdminUrl: 'http://127.0.0.1:1/' } });
    expect(await failure(['status', '--stack', 'odd'])).toMatchObject({ code: 'not-mailhook' });
  });

  it.each([
    [403, 'ExpiredToken', 'credentials-expired', 'have expired: log in again'],
    [403, 'InvalidClientTokenId', 'credentials-refused', 'InvalidClientTokenId'],
    [403, 'SignatureDoesNotMatch', 'credentials-refused', 'SignatureDoesNotMatch'],
    [403, 'AccessDenied', 'not-allowed', 'may not describe the stack "mailhook"'],
    [400, 'SomethingElse', 'aws', 'SomethingElse: as AWS says'],
  ])('because CloudFormation answers %i %s', async (status, name, code, line) => {
    aws.cloudFormation = awsError(status, name, 'as AWS says');
    const failed = await failure(['status']);
    expect(failed).toMatchObject({ exit: 1, code });
    expect(failed.line).toContain(line);
  });

  it.each([
    [403, '{"Message":"Forbidden"}', 'not-allowed', `they need the policy ${ACCESS_POLICY}`],
    [403, '{"message":"The security token included in the request is expired"}', 'credentials-expired', ''],
    [429, '{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded"}', 'too-busy', 'try again'],
    [502, 'Internal Server Error', 'not-mailhook', 'see the log /aws/lambda/mailhook-admin'],
    [200, '<html>', 'not-mailhook', 'is not JSON: see the log /aws/lambda/mailhook-admin'],
  ])('because its URL answers %i %s', async (status, body, code, line) => {
    aws.functionUrl = { status, body };
    const failed = await failure(['status']);
    expect(failed).toMatchObject({ exit: 1, code });
    expect(failed.line).toContain(line);
  });

  it('because the credentials are wrong', async () => {
    const wrong = { AWS_SECRET_ACCESS_KEY: 'hunter2-but-wrong' };
    expect(await failure(['status'], wrong)).toMatchObject({ exit: 1, code: 'credentials-refused' });
    const url = { ...wrong, MAILHOOK_STACK: '', MAILHOOK_URL: `https://${FUNCTION_HOST}` };
    const failed = await failure(['status'], url);
    expect(failed).toMatchObject({ exit: 1, code: 'not-allowed' });
    expect(failed.line).toContain('the policy of its output AdminAccessPolicy');
  });

  it('because nothing listens at the endpoint', async () => {
    const failed = await failure(['status'], { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' });
    expect(failed).toMatchObject({ exit: 1, code: 'unreachable' });
    const url = { MAILHOOK_STACK: '', MAILHOOK_URL: `https://${FUNCTION_HOST}` };
    expect(await failure(['status'], { ...url, AWS_ENDPOINT_URL: 'http://127.0.0.1:1' })).toMatchObject({
      exit: 1,
      code: 'unreachable',
    });
  });

  it.each<[string, Record<string, string>, string]>([
    ['a name that is none', { MAILHOOK_STACK: 'a b' }, 'Cannot use the stack "a b"'],
    ['a stack and a URL', { MAILHOOK_URL: 'http://127.0.0.1:1' }, 'MAILHOOK_STACK and MAILHOOK_URL'],
    ['an endpoint that is none', { AWS_ENDPOINT_URL: 'ftp://x' }, 'AWS_ENDPOINT_URL'],
  ])('because of %s, which is wrong usage', async (_, env, line) => {
    const failed = await failure(['status'], env);
    expect(failed).toMatchObject({ exit: 2, code: null });
    expect(failed.line).toContain(line);
  });
});
