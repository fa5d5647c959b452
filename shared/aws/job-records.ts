import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import type { Job } from '../jobs.ts';
import type { Log } from '../ports/log.ts';
import { parseJob } from './job-schema.ts';

/** The part of an SQS record that is needed here. */
export type JobRecord = Pick<SQSRecord, 'messageId' | 'body'> & {
  readonly attributes: Pick<SQSRecord['attributes'], 'ApproximateReceiveCount'>;
};

/**
 * Runs the job of each record, all at once, and reports the records that are to come again: those whose job threw, and those
 * that hold no job of this kind. The latter never will, but SQS moves them to the dead-letter queue after its last try,
 * where a person finds them; taken as done they would be gone. Never throws, since that would fail the good ones too.
 */
export async function runJobs<Kind extends Job['kind']>(
  records: readonly JobRecord[],
  kind: Kind,
  log: Log,
  run: (job: Extract<Job, { kind: Kind }>) => Promise<unknown>,
): Promise<SQSBatchResponse> {
  const runOne = async ({ messageId, body, attributes }: JobRecord): Promise<boolean> => {
    const receives = Number(attributes.ApproximateReceiveCount);
    const parsed = parseJob(body);
    if (!parsed.ok || !isOf(parsed.job, kind)) {
      const reason = parsed.ok ? `a ${parsed.job.kind} job in the queue of ${kind} jobs` : parsed.reason;
      log.error('job.malformed', { kind, messageId, receives, reason });
      return false;
    }
    try {
      await run(parsed.job);
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.error('job.failed', { kind, messageId, receives, error: reason });
      return false;
    }
  };
  const ended = await Promise.all(records.map(runOne));
  const failed = records.filter((_, index) => ended[index] === false);
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

function isOf<Kind extends Job['kind']>(job: Job, kind: Kind): job is Extract<Job, { kind: Kind }> {
  return job.kind === kind;
}
