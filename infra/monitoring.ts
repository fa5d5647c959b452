import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { METRIC_DIMENSION, METRIC_NAMESPACE, type MetricName } from '../shared/aws/metrics.ts';
import type { JobQueue } from './job-queue.ts';
import type { LambdaFunction } from './lambda-function.ts';
import type { Settings } from './settings.ts';
import type { Storage } from './storage.ts';

const PERIOD = Duration.minutes(5);

interface MonitoringProps {
  readonly settings: Settings;
  readonly storage: Storage;
  readonly queues: Readonly<Record<'polls' | 'deliveries', JobQueue>>;
  readonly functions: Readonly<Record<string, LambdaFunction>>;
}

/** An alarm in the words of the person that it wakes. */
interface Watch {
  readonly id: string;
  /** What is wrong and where to look. */
  readonly description: string;
  readonly metric: IMetric;
  /** The alarm is raised at this value and above. */
  readonly from: number;
  /** Periods of five minutes in a row. @default 1 */
  readonly periods?: number;
}

/** Alarms for what a person has to look at, a mail for each where an address is set, and a dashboard. */
export class Monitoring extends Construct {
  readonly topic: Topic | null;
  readonly dashboard: Dashboard;

  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    const { settings } = props;
    this.topic = settings.alarmEmail === null ? null : this.#createTopic(settings.alarmEmail);
    for (const watch of watches(props)) this.#alarm(settings, watch);
    this.#alarmOfMissingTicks(settings);
    this.dashboard = new Dashboard(this, 'Dashboard', {
      dashboardName: settings.name,
      widgets: widgets(props),
    });
  }

  #createTopic(email: string): Topic {
    const topic = new Topic(this, 'Alarms', { enforceSSL: true });
    // The policy that asks for TLS stands in place of the one that lets alarms publish.
    topic.grantPublish(new ServicePrincipal('cloudwatch.amazonaws.com'));
    topic.addSubscription(new EmailSubscription(email));
    return topic;
  }

  #alarm(settings: Settings, { id, description, metric, from, periods = 1 }: Watch): void {
    const alarm = new Alarm(this, id, {
      alarmName: `${settings.name}-${id}`,
      alarmDescription: description,
      metric,
      threshold: from,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: periods,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    this.#notify(alarm);
  }

  #alarmOfMissingTicks(settings: Settings): void {
    const alarm = new Alarm(this, 'TickMissing', {
      alarmName: `${settings.name}-TickMissing`,
      alarmDescription: `No tick for 5 minutes, so nothing is polled: see the log of ${settings.name}-plan and the schedule`,
      metric: own(settings, 'Ticks'),
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.BREACHING,
    });
    this.#notify(alarm);
  }

  #notify(alarm: Alarm): void {
    if (this.topic === null) return;
    const action = new SnsAction(this.topic);
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
  }
}

function watches(props: MonitoringProps): readonly Watch[] {
  const { settings, queues, functions, storage } = props;
  return [
    ...(['polls', 'deliveries'] as const).flatMap((name): Watch[] => [
      {
        id: `${name}-dead-letters`,
        description: `Jobs of ${name} that failed five times lie in the dead-letter queue: read them, see why in the log, redrive them`,
        metric: queues[name].deadLetters.metricApproximateNumberOfMessagesVisible({
          period: PERIOD,
          statistic: 'Maximum',
        }),
        from: 1,
      },
      {
        id: `${name}-waiting`,
        description: `Jobs of ${name} wait longer than they should: raise ${name === 'polls' ? 'pollConcurrency' : 'dispatchConcurrency'}, or see why they fail`,
        metric: queues[name].queue.metricApproximateAgeOfOldestMessage({
          period: PERIOD,
          statistic: 'Maximum',
        }),
        from: name === 'polls' ? 1_800 : 900,
      },
    ]),
    ...Object.entries(functions).flatMap(([name, { lambda }]): Watch[] => [
      {
        id: `${name}-errors`,
        description: `The function ${name} crashed or ran out of time or memory: see the log of ${settings.name}-${name}`,
        metric: lambda.metricErrors({ period: PERIOD }),
        from: 1,
        periods: 3,
      },
      {
        id: `${name}-throttles`,
        description: `Lambda refuses to start ${name}: raise the account's quota for concurrent executions`,
        metric: lambda.metricThrottles({ period: PERIOD }),
        from: 1,
        periods: 3,
      },
    ]),
    ...['ReadThrottleEvents', 'WriteThrottleEvents'].map(
      (metricName): Watch => ({
        id: `table-${metricName}`,
        description: 'DynamoDB refuses requests for the table: see its limits and its hottest keys',
        metric: new Metric({
          namespace: 'AWS/DynamoDB',
          metricName,
          dimensionsMap: { TableName: storage.table.tableName },
          statistic: 'Sum',
          period: PERIOD,
        }),
        from: 1,
        periods: 3,
      }),
    ),
    {
      id: 'deliveries-lost',
      description:
        'Deliveries were given up on or refused for good: mailhook deliveries list --state exhausted, then replay',
      metric: own(settings, 'DeliveriesLost'),
      from: 1,
    },
    {
      id: 'requests-failed',
      description: `The API failed to answer, or a file could not be served: see admin.failed in the log of ${settings.name}-admin, files.failed and files.not-cut in that of ${settings.name}-files`,
      metric: own(settings, 'RequestsFailed'),
      from: 1,
    },
  ];
}

function widgets({ settings, queues, functions }: MonitoringProps): GraphWidget[][] {
  const graph = (title: string, left: IMetric[]) => new GraphWidget({ title, left, width: 12, height: 6 });
  const lambdas = Object.values(functions).map(({ lambda }) => lambda);
  const waiting = (['polls', 'deliveries'] as const).flatMap((name) => [
    queues[name].queue.metricApproximateNumberOfMessagesVisible({ label: `${name} waiting` }),
    queues[name].deadLetters.metricApproximateNumberOfMessagesVisible({ label: `${name} dead letters` }),
  ]);
  return [
    [
      graph('Mail', [own(settings, 'MessagesCommitted'), own(settings, 'MessagesSettled')]),
      graph('Failures', [
        own(settings, 'PollsFailed'),
        own(settings, 'AttemptsFailed'),
        own(settings, 'DeliveriesLost'),
      ]),
    ],
    [
      graph('Queues', waiting),
      graph('Due', [own(settings, 'PollJobsPlanned'), own(settings, 'DeliveriesPlanned')]),
    ],
    [
      graph(
        'Durations',
        lambdas.map((lambda) => lambda.metricDuration({ statistic: 'p99' })),
      ),
      graph(
        'Errors',
        lambdas.map((lambda) => lambda.metricErrors()),
      ),
    ],
  ];
}

function own({ name }: Settings, metricName: MetricName): Metric {
  return new Metric({
    namespace: METRIC_NAMESPACE,
    metricName,
    dimensionsMap: { [METRIC_DIMENSION]: name },
    statistic: 'Sum',
    period: PERIOD,
  });
}
