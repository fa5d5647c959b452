import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { type ImapServer, startImapServer } from '../../local/demo/imap-server.ts';
import { smallMail } from '../support/poll-world.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { signatureFault } from '../support/signature-fault.ts';
import { openStack, type StackWorld } from '../support/stack-world.ts';

const aws = inject('miniStack');
const lambda = new LambdaClient(aws.clientOptions);

let stack: StackWorld;
let server: ImapServer;
let receiver: Receiver;
beforeAll(async () => {
  stack = await openStack(aws);
  server = await startImapServer({ users: { ana: { password: 'secret' } } });
  receiver = await startReceiver();
});
afterAll(async () => {
  await stack.clear();
  await server.close();
  await receiver.close();
  lambda.destroy();
});

/** What an update must not touch: everything but what polls and ticks change by themselves. */
async function kept() {
  const list = async (kind: string, fields: readonly string[]) => {
    const { data } = await stack.json<{ data: readonly Record<string, unknown>[] }>([kind, 'list']);
    return data.map((one) => Object.fromEntries(fields.map((field) => [field, one[field]])));
  };
  return {
    accounts: await list('accounts', ['id', 'name', 'host', 'port', 'username', 'state', 'createdAt']),
    webhooks: await list('webhooks', ['id', 'name', 'url', 'state', 'createdAt']),
    secret: await stack.json<{ secret: string }>(['webhooks', 'secret', 'hook']),
    messages: await list('messages', ['id', 'subject', 'state', 'receivedAt']),
    deliveries: await list('deliveries', ['id', 'state', 'attempts']),
  };
}

async function arrive(name: string): Promise<void> {
  const accepted = receiver.accepted.size;
  server.mailbox('ana').add(smallMail(name));
  await stack.run(['poll']);
  await receiver.whenAccepted(accepted + 1);
}

it('a stack that is deployed again with other settings works by them, and keeps accounts, webhooks and messages', async () => {
  const { secret } = await stack.json<{ secret: string }>([
    'webhooks',
    'add',
    receiver.url,
    '--name',
    'hook',
  ]);
  await stack.json(
    [
      ...['accounts', 'add', 'ana', '--protocol', 'imap', '--host', '127.0.0.1', '--port', `${server.port}`],
      ...['--security', 'none', '--username', 'ana', '--password-stdin'],
    ],
    { stdin: 'secret\n' },
  );
  await arrive('before');
  while ((await kept()).messages[0]?.state !== 'delivered') await new Promise(setImmediate);
  const before = await kept();

  await stack.update({ retentionDays: '31', pollMemoryMb: '1536' });

  const poll = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: 'mailhook-poll' }));
  expect(poll).toMatchObject({
    MemorySize: 1536,
    Environment: { Variables: { MAILHOOK_RETENTION_DAYS: '31' } },
  });
  expect(await kept()).toEqual(before);
  await arrive('after');
  const subjects = receiver.requests.map(({ body }) => JSON.parse(body.toString()).data.subject);
  expect(subjects).toEqual(['mail before', 'mail after']);
  const signed = new Webhook(secret);
  const faults = receiver.requests.map(({ body, headers }) =>
    signatureFault(signed, body, headers, undefined),
  );
  expect(faults).toEqual([null, null]);
}, 300_000);
