import { describe, expect, it } from 'vitest';
import { type JobRecord, runJobs } from '../../../shared/aws/job-records.ts';
import { formatJob } from '../../../shared/aws/job-schema.ts';
import type { AccountId } from '../../../shared/identity.ts';
import type { PollJob } from '../../../shared/jobs.ts';
import { createRecordingLog } from '../../support/recording-log.ts';

const idOf = (letter: string) => `acc_${letter.repeat(16)}` as AccountId;
const pollOf = (letter: string): PollJob => ({
  kind: 'poll',
  accounts: [{ id: idOf(letter), reason: 'backlog' }],
});
const recordOf = (messageId: string, body: string): JobRecord => ({
  messageId,
  body,
  attributes: { ApproximateReceiveCount: '2' },
});

describe('runJobs()', () => {
  it('runs the job of every record and reports none when all went well', async () => {
    const ran: PollJob[] = [];
    const records = [recordOf('1', formatJob(pollOf('a'))), recordOf('2', formatJob(pollOf('b')))];
    const answer = await runJobs(records, 'poll', createRecordingLog(), async (job) => ran.push(job));
    expect(answer).toEqual({ batchItemFailures: [] });
    expect(ran).toEqual([pollOf('a'), pollOf('b')]);
  });

  it('one that throws fails alone, whether at once or later, with its own log line', async () => {
    const log = createRecordingLog();
    const records = ['a', 'b', 'c'].map((letter) => recordOf(letter, formatJob(pollOf(letter))));
    const answer = await runJobs(records, 'poll', log, (job) => {
      if (job.accounts[0]?.id === idOf('a')) throw new Error('at once');
      return job.accounts[0]?.id === idOf('b') ? Promise.reject(new Error('later')) : Promise.resolve();
    });
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'a' }, { itemIdentifier: 'b' }] });
    expect(log.lines).toEqual([
      { level: 'error', event: 'job.failed', kind: 'poll', messageId: 'a', receives: 2, error: 'at once' },
      { level: 'error', event: 'job.failed', kind: 'poll', messageId: 'b', receives: 2, error: 'later' },
    ]);
  });

  it('what is no job goes back to the queue, so that it ends among the dead letters, with the reason logged', async () => {
    const log = createRecordingLog();
    const good = recordOf('good', formatJob(pollOf('a')));
    const answer = await runJobs([recordOf('bad', '{"kind":"pol'), good], 'poll', log, async () => undefined);
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'bad' }] });
    expect(log.lines).toEqual([
      {
        level: 'error',
        event: 'job.malformed',
        kind: 'poll',
        messageId: 'bad',
        receives: 2,
        reason: 'not JSON',
      },
    ]);
  });

  it('a job in the wrong queue is malformed, and is not run', async () => {
    const log = createRecordingLog();
    const run = () => Promise.reject(new Error('ran'));
    const answer = await runJobs([recordOf('1', formatJob(pollOf('a')))], 'dispatch', log, run);
    expect(answer.batchItemFailures).toHaveLength(1);
    expect(log.lines).toMatchObject([
      { event: 'job.malformed', reason: 'a poll job in the queue of dispatch jobs' },
    ]);
  });
});
