import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateUserCommand,
  DetachUserPolicyCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openStack, type StackWorld } from '../support/stack-world.ts';

const client = new IAMClient(inject('miniStack').clientOptions);
const USER = { UserName: 'operator' };

let stack: StackWorld;
let credentials: Record<string, string>;
beforeAll(async () => {
  stack = await openStack(inject('miniStack'));
  await client.send(new CreateUserCommand(USER));
  const { AccessKey: key } = await client.send(new CreateAccessKeyCommand(USER));
  credentials = {
    AWS_ACCESS_KEY_ID: key?.AccessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: key?.SecretAccessKey ?? '',
  };
});
afterAll(() => client.destroy());

const status = (env: Record<string, string> = {}) =>
  stack.run(['status'], { env: { ...credentials, ...env } });

describe('a user of the AWS account', () => {
  it('without a policy neither finds the API nor may call it', async () => {
    const byName = await status();
    expect(byName).toMatchObject({ code: 1, stdout: '' });
    expect(byName.stderr).toContain('The AWS credentials may not describe the stack "mailhook"');
    const byUrl = await stack.run(['status'], {
      env: { ...credentials, MAILHOOK_STACK: '', MAILHOOK_URL: stack.outputs.AdminUrl ?? '' },
    });
    expect(byUrl.code).toBe(1);
  });

  it('with the policy that the stack made for it does both, and nothing else', async () => {
    const policy = { ...USER, PolicyArn: stack.outputs.AdminAccessPolicy };
    await client.send(new AttachUserPolicyCommand(policy));
    expect(await status()).toMatchObject({ code: 0, stderr: '' });
    await client.send(new DetachUserPolicyCommand(policy));
    expect((await status()).code).toBe(1);
  });
});
