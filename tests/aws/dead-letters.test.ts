import {
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { formatJob } from '../../shared/aws/job-schema.ts';
import type { EventId, WebhookId } from '../../shared/identity.ts';
import { openStack, type StackWorld } from '../support/stack-world.ts';

const client = new SQSClient(inject('miniStack').clientOptions);
const MALFORMED = '{"kind":"dispatch","deliveries":[]}';
const GOOD = formatJob({
  kind: 'dispatch',
  deliveries: [
    { eventId: `msg_${'a'.repeat(26)}` as EventId, webhookId: 'wh_aaaaaaaaaaaaaaaa' as WebhookId },
  ],
});

let stack: StackWorld;
let queue: string;
beforeAll(async () => {
  stack = await openStack(inject('miniStack'));
  queue = stack.outputs.DeliveriesQueue ?? '';
  // A job that failed comes again at once instead of after minutes.
  await setVisibility('0');
});
afterAll(async () => {
  await setVisibility('360');
  client.destroy();
});

function setVisibility(seconds: string) {
  const attributes = { VisibilityTimeout: seconds };
  return client.send(new SetQueueAttributesCommand({ QueueUrl: queue, Attributes: attributes }));
}

describe('a job that cannot be read', () => {
  it('ends among the dead letters, and the good one beside it is done', async () => {
    const entries = [MALFORMED, GOOD].map((body, index) => ({ Id: String(index), MessageBody: body }));
    await client.send(new SendMessageBatchCommand({ QueueUrl: queue, Entries: entries }));
    const { Messages: dead } = await client.send(
      new ReceiveMessageCommand({ QueueUrl: stack.outputs.DeliveriesDeadLetters, WaitTimeSeconds: 20 }),
    );
    expect(dead?.map(({ Body }) => Body)).toEqual([MALFORMED]);
    await client.send(new PurgeQueueCommand({ QueueUrl: stack.outputs.DeliveriesDeadLetters }));
    const { Attributes: left } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: queue, AttributeNames: ['All'] }),
    );
    expect(left).toMatchObject({
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesNotVisible: '0',
    });
  });
});
