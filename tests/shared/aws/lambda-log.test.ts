import { describe, expect, it } from 'vitest';
import { createLambdaLog, type LogLevel } from '../../../shared/aws/lambda-log.ts';

function logAt(level: LogLevel) {
  const lines: string[] = [];
  const now = () => new Date('2026-11-25T08:00:00Z');
  const log = createLambdaLog({ write: (line) => lines.push(line), now, level, stack: 'mailhook' });
  return { log, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>), lines };
}

describe('createLambdaLog()', () => {
  it('writes one JSON object a line, with the fields of the invocation', () => {
    const { log, lines, parsed } = logAt('info');
    log.with({ requestId: 'r1' }).warn('lease.renewal-failed', { account: 'acc_a', error: 'two\nlines' });
    expect(parsed()).toEqual([
      {
        time: '2026-11-25T08:00:00.000Z',
        level: 'warn',
        event: 'lease.renewal-failed',
        requestId: 'r1',
        account: 'acc_a',
        error: 'two\nlines',
      },
    ]);
    expect(lines[0]).not.toContain('\n');
  });

  it.each<[LogLevel, string[]]>([
    ['info', ['a', 'b', 'c']],
    ['warn', ['b', 'c']],
    ['error', ['c']],
  ])('at %s writes %j', (level, events) => {
    const { log, parsed } = logAt(level);
    log.info('a');
    log.warn('b');
    log.error('c');
    expect(parsed().map(({ event }) => event)).toEqual(events);
  });

  it('a tick is a metric in the embedded format, even where its line would be left out', () => {
    const { log, parsed } = logAt('error');
    log.info('plan.finished', { polls: 3, deliveries: 2 });
    expect(parsed()).toMatchObject([
      {
        event: 'plan.finished',
        Stack: 'mailhook',
        Ticks: 1,
        PollJobsPlanned: 3,
        DeliveriesPlanned: 2,
        _aws: {
          Timestamp: Date.parse('2026-11-25T08:00:00Z'),
          CloudWatchMetrics: [
            {
              Namespace: 'mailhook',
              Dimensions: [['Stack']],
              Metrics: [
                { Name: 'Ticks', Unit: 'Count' },
                { Name: 'PollJobsPlanned', Unit: 'Count' },
                { Name: 'DeliveriesPlanned', Unit: 'Count' },
              ],
            },
          ],
        },
      },
    ]);
  });

  it.each([
    ['retry', 0],
    ['exhausted', 1],
    ['rejected', 1],
    ['disable', 0],
  ])('an attempt that ended as %s loses %i deliveries', (ended, lost) => {
    const { log, parsed } = logAt('info');
    log.warn('dispatch.failed', { delivery: 'd', ended });
    expect(parsed()[0]).toMatchObject({ AttemptsFailed: 1, DeliveriesLost: lost });
  });

  it('no id or name is a dimension: each value of one would be a metric to pay for', () => {
    const { log, parsed } = logAt('info');
    log.warn('poll.failed', { account: 'acc_a', name: 'inbox' });
    const [line] = parsed() as [{ _aws: { CloudWatchMetrics: [{ Dimensions: string[][] }] } }];
    expect(line._aws.CloudWatchMetrics[0].Dimensions).toEqual([['Stack']]);
  });
});
