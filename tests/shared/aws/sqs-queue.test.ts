import { createHash } from 'node:crypto';
import { SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { parseJob } from '../../../shared/aws/job-schema.ts';
import { createSqsQueue } from '../../../shared/aws/sqs-queue.ts';
import type { AccountId, EventId, WebhookId } from '../../../shared/identity.ts';
import type { DispatchJob, Job, PollJob } from '../../../shared/jobs.ts';
import type { QueuedJob } from '../../../shared/ports/queue.ts';
import { type AwsStub, type StubAnswer, type StubRequest, startAwsStub } from '../../support/aws-stub.ts';
import { createRecordingLog } from '../../support/recording-log.ts';

interface Entry {
  readonly Id: string;
  readonly MessageBody: string;
  readonly MessageGroupId: string;
  readonly DelaySeconds?: number;
}

const pollJob: PollJob = {
  kind: 'poll',
  accounts: [{ id: 'acc_aaaaaaaaaaaaaaaa' as AccountId, reason: 'backlog' }],
};
const dispatchJob: DispatchJob = {
  kind: 'dispatch',
  deliveries: [
    { eventId: `msg_${'a'.repeat(26)}` as EventId, webhookId: 'wh_bbbbbbbbbbbbbbbb' as WebhookId },
  ],
};

const entriesOf = ({ body }: StubRequest) => body.Entries as readonly Entry[];

/** SQS takes all but the entries that are named; the client checks the digests of those it took. */
function taking(refused: Readonly<Record<string, boolean>> = {}): (request: StubRequest) => StubAnswer {
  return (request) => {
    const entries = entriesOf(request);
    const isRefused = ({ Id }: Entry) => Id in refused;
    return {
      body: {
        Successful: entries
          .filter((entry) => !isRefused(entry))
          .map(({ Id, MessageBody }) => ({
            Id,
            MessageId: `m${Id}`,
            MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
          })),
        Failed: entries
          .filter(isRefused)
          .map(({ Id }) => ({ Id, Code: 'Refused', SenderFault: refused[Id] === true })),
      },
    };
  };
}

function queueOn(stub: AwsStub) {
  const log = createRecordingLog();
  const urls = {
    poll: `${stub.clientOptions.endpoint}/polls`,
    dispatch: `${stub.clientOptions.endpoint}/deliveries`,
  };
  return { log, queue: createSqsQueue({ client: new SQSClient(stub.clientOptions), urls, log }) };
}

const of = (group: string, ...jobs: Job[]): QueuedJob[] => jobs.map((job) => ({ job, group }));
const times = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item);

describe('createSqsQueue() enqueue', () => {
  it('sends jobs ten at a time, each kind to its queue, the group as message group', async () => {
    await using stub = await startAwsStub(taking());
    const { queue, log } = queueOn(stub);
    await queue.enqueue(of('imap.example.com', ...times(12, dispatchJob), pollJob));
    const sizes = stub.requests.map((request) => [request.body.QueueUrl, entriesOf(request).length]);
    expect(sizes.sort()).toEqual([
      [expect.stringMatching(/deliveries$/), 10],
      [expect.stringMatching(/deliveries$/), 2],
      [expect.stringMatching(/polls$/), 1],
    ]);
    const entries = stub.requests.flatMap(entriesOf);
    expect(new Set(entries.map(({ MessageGroupId }) => MessageGroupId))).toEqual(
      new Set(['imap.example.com']),
    );
    const jobs = entries.map(({ MessageBody }) => parseJob(MessageBody));
    expect(jobs.filter((parsed) => parsed.ok && parsed.job.kind === 'dispatch')).toHaveLength(12);
    expect(log.lines).toEqual([]);
  });

  it('jobs of many groups share requests, each under its own group: a tick names 900 hosts at 10,000 accounts', async () => {
    await using stub = await startAwsStub(taking());
    const groups = Array.from({ length: 25 }, (_, number) => `mail${number}.example.com`);
    await queueOn(stub).queue.enqueue(groups.flatMap((group) => of(group, pollJob)));
    expect(stub.requests.map((request) => entriesOf(request).length).sort()).toEqual([10, 10, 5]);
    const sent = stub.requests.flatMap(entriesOf).map(({ MessageGroupId }) => MessageGroupId);
    expect(sent.sort()).toEqual(groups.sort());
  });

  it.each([
    [0, undefined],
    [1, 1],
    [5_001, 6],
    [900_000, 900],
    [86_400_000, 900],
  ])(
    'a delay of %i ms becomes %s s: never earlier, and what SQS can hold at most',
    async (delayMs, seconds) => {
      await using stub = await startAwsStub(taking());
      await queueOn(stub).queue.enqueue(of('wh_a', dispatchJob), { delayMs });
      expect(stub.requests.flatMap(entriesOf)[0]?.DelaySeconds).toBe(seconds);
    },
  );

  it('a group that is no message group id is one all the same, the same every time', async () => {
    await using stub = await startAwsStub(taking());
    const { queue } = queueOn(stub);
    await queue.enqueue(of(`bücher.${'x'.repeat(130)}`, pollJob));
    await queue.enqueue(of(`bücher.${'x'.repeat(130)}`, pollJob));
    const groups = stub.requests.flatMap(entriesOf).map(({ MessageGroupId }) => MessageGroupId);
    expect(groups).toEqual(times(2, groups[0]));
    expect(groups[0]).toMatch(/^[0-9a-f]{64}$/);
  });

  it('what SQS does not take for its own reasons is sent once more, and only that', async () => {
    const refused: Record<string, boolean> = { 1: false, 3: false };
    await using stub = await startAwsStub((request) => {
      const answer = taking(refused)(request);
      delete refused[1];
      return answer;
    });
    const { queue, log } = queueOn(stub);
    await queue.enqueue(of('wh_a', ...times(5, dispatchJob)));
    expect(stub.requests.map((request) => entriesOf(request).map(({ Id }) => Id))).toEqual([
      ['0', '1', '2', '3', '4'],
      ['1', '3'],
    ]);
    expect(log.lines).toEqual([
      { level: 'warn', event: 'queue.dropped', kind: 'dispatch', jobs: 1, code: 'Refused' },
    ]);
  });

  it('what SQS finds fault with is not sent again', async () => {
    await using stub = await startAwsStub(taking({ 0: true }));
    const { queue, log } = queueOn(stub);
    await queue.enqueue(of('wh_a', dispatchJob));
    expect(stub.requests).toHaveLength(1);
    expect(log.lines).toMatchObject([{ event: 'queue.dropped', jobs: 1 }]);
  });

  it('an outage of SQS is a log line, never an error: the tick finds the work', async () => {
    await using stub = await startAwsStub(() => ({ status: 500, code: 'InternalError' }));
    const { queue, log } = queueOn(stub);
    await expect(queue.enqueue(of('wh_a', ...times(11, dispatchJob)))).resolves.toBeUndefined();
    expect(log.lines.map(({ event, jobs }) => [event, jobs]).sort()).toEqual([
      ['queue.dropped', 1],
      ['queue.dropped', 10],
    ]);
  });

  it('a kind that has no queue here is dropped with its name', async () => {
    await using stub = await startAwsStub(taking());
    const log = createRecordingLog();
    const queue = createSqsQueue({ client: new SQSClient(stub.clientOptions), urls: {}, log });
    await queue.enqueue(of('a', pollJob));
    expect(stub.requests).toEqual([]);
    expect(log.lines).toMatchObject([
      { level: 'error', event: 'queue.dropped', kind: 'poll', code: 'no-queue' },
    ]);
  });
});
