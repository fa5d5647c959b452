import type { LogFields } from '../ports/log.ts';

/** CloudWatch's namespace of every metric here. */
export const METRIC_NAMESPACE = 'mailhook';

/** The one dimension: each further value of one would be another metric to pay for. */
export const METRIC_DIMENSION = 'Stack';

/** The metrics, and in words what each counts. */
export const METRICS = {
  Ticks: 'runs of plan that came to their end; 1 a minute',
  PollJobsPlanned: 'accounts that a tick found due',
  DeliveriesPlanned: 'deliveries that a tick found due, beside those that were enqueued at their commit',
  MessagesCommitted: 'messages that became events',
  MessagesSettled: 'settlements done on mail servers',
  PollsFailed: 'polls of one account that failed',
  AttemptsFailed: 'POSTs of a delivery that ended without a 2xx',
  DeliveriesLost: 'deliveries that ended exhausted or rejected',
  JobsMalformed: 'messages of a queue that are no job',
  HintsDropped: 'jobs that a queue did not take; the tick finds their work again',
  RequestsFailed: 'requests of the API, or for files, that mailhook failed to answer',
} as const;

/** The name of a metric; see `METRICS`. */
export type MetricName = keyof typeof METRICS;

type Counts = Readonly<Partial<Record<MetricName, number>>>;

/** What each log event counts. */
const COUNTED: Readonly<Record<string, (fields: LogFields) => Counts>> = {
  'plan.finished': ({ polls, deliveries }) => ({
    Ticks: 1,
    PollJobsPlanned: Number(polls),
    DeliveriesPlanned: Number(deliveries),
  }),
  'poll.finished': ({ committed, settled }) => ({
    MessagesCommitted: Number(committed),
    MessagesSettled: Number(settled),
  }),
  'poll.failed': () => ({ PollsFailed: 1 }),
  'dispatch.failed': ({ ended }) => ({
    AttemptsFailed: 1,
    DeliveriesLost: ended === 'exhausted' || ended === 'rejected' ? 1 : 0,
  }),
  'job.malformed': () => ({ JobsMalformed: 1 }),
  'queue.dropped': ({ jobs }) => ({ HintsDropped: Number(jobs) }),
  'admin.failed': () => ({ RequestsFailed: 1 }),
  'files.failed': () => ({ RequestsFailed: 1 }),
  'files.not-cut': () => ({ RequestsFailed: 1 }),
};

/** What a log line must hold besides, to be a metric too: the counts, the dimension and CloudWatch's description of both. */
export function metricsOf(
  event: string,
  fields: LogFields,
  { stack, time }: { readonly stack: string; readonly time: Date },
): Readonly<Record<string, unknown>> | null {
  const counts = COUNTED[event]?.(fields);
  if (counts === undefined) return null;
  return {
    ...counts,
    [METRIC_DIMENSION]: stack,
    _aws: {
      Timestamp: time.getTime(),
      CloudWatchMetrics: [
        {
          Namespace: METRIC_NAMESPACE,
          Dimensions: [[METRIC_DIMENSION]],
          Metrics: Object.keys(counts).map((name) => ({ Name: name, Unit: 'Count' })),
        },
      ],
    },
  };
}
