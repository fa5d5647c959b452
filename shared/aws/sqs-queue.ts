import { createHash } from 'node:crypto';
import {
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { Job } from '../jobs.ts';
import type { Log } from '../ports/log.ts';
import type { Queue } from '../ports/queue.ts';
import { formatJob } from './job-schema.ts';

/** What one request takes. */
const MESSAGES_PER_REQUEST = 10;
/** Requests under way at once for one call. */
const REQUESTS_AT_ONCE = 8;
/** SQS holds a message back no longer. */
const MAX_DELAY_SECONDS = 900;
/** What a message group id may be: up to 128 printable characters of ASCII. */
const GROUP_ID = /^[\x21-\x7e]{1,128}$/;

interface SqsQueueOptions {
  readonly client: SQSClient;
  /** The queue of each kind of job; a function that sends none of a kind has no queue for it. */
  readonly urls: Readonly<Partial<Record<Job['kind'], string>>>;
  readonly log: Log;
}

/**
 * A queue on SQS standard queues. The group is the message group id of a fair queue, so that a webhook or a host with much
 * waiting holds up no other. What SQS takes only in part is sent once more; what is still refused is logged as
 * `queue.dropped` and left to the tick.
 */
export function createSqsQueue({ client, urls, log }: SqsQueueOptions): Queue {
  /** Sends up to 10 and resolves to those that SQS did not take; never rejects. */
  async function send(url: string, entries: readonly SendMessageBatchRequestEntry[]): Promise<Refused> {
    try {
      const command = new SendMessageBatchCommand({ QueueUrl: url, Entries: [...entries] });
      const { Failed: failed = [] } = await client.send(command);
      return {
        entries: entries.filter(({ Id }) => failed.some((one) => one.Id === Id)),
        code: failed[0]?.Code ?? null,
        mayPass: failed.some((one) => one.SenderFault !== true),
      };
    } catch (error) {
      // The client has tried again already.
      return { entries, code: error instanceof Error ? error.name : 'unknown', mayPass: false };
    }
  }

  async function sendTwice(url: string, kind: string, batch: readonly SendMessageBatchRequestEntry[]) {
    const first = await send(url, batch);
    const left = first.entries.length > 0 && first.mayPass ? await send(url, first.entries) : first;
    if (left.entries.length === 0) return;
    log.warn('queue.dropped', { kind, jobs: left.entries.length, code: left.code });
  }

  return {
    async enqueue(jobs, { delayMs = 0 } = {}) {
      const delaySeconds = Math.min(MAX_DELAY_SECONDS, Math.max(0, Math.ceil(delayMs / 1_000)));
      const waiting: (() => Promise<void>)[] = [];
      for (const [kind, some] of Map.groupBy(jobs, ({ job }) => job.kind)) {
        const url = urls[kind];
        if (url === undefined) {
          log.error('queue.dropped', { kind, jobs: some.length, code: 'no-queue' });
          continue;
        }
        for (let at = 0; at < some.length; at += MESSAGES_PER_REQUEST) {
          const batch = some.slice(at, at + MESSAGES_PER_REQUEST).map(({ job, group }, index) => ({
            Id: String(index),
            MessageBody: formatJob(job),
            MessageGroupId: groupIdOf(group),
            ...(delaySeconds > 0 && { DelaySeconds: delaySeconds }),
          }));
          waiting.push(() => sendTwice(url, kind, batch));
        }
      }
      await runAll(waiting);
    },
  };
}

interface Refused {
  readonly entries: readonly SendMessageBatchRequestEntry[];
  readonly code: string | null;
  /** Whether it may be taken when it is sent again. */
  readonly mayPass: boolean;
}

/** A group that SQS would refuse for its form becomes its digest, and is a group all the same. */
function groupIdOf(group: string): string {
  return GROUP_ID.test(group) ? group : createHash('sha256').update(group, 'utf8').digest('hex');
}

async function runAll(waiting: (() => Promise<void>)[]): Promise<void> {
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next();
  };
  await Promise.all(Array.from({ length: Math.min(REQUESTS_AT_ONCE, waiting.length) }, worker));
}
