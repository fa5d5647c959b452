import { readSettings } from '../../infra/settings.ts';
import { METRICS } from '../../shared/aws/metrics.ts';
import { blobRetentionDays } from '../../shared/retention.ts';
import { ASSUMED } from './assumptions.ts';
import type { IdleStack, MailUsage } from './measure.ts';
import { PRICES } from './prices.ts';
import type { Usage } from './usage.ts';

const DAYS_PER_MONTH = 30.4;
const MINUTES_PER_MONTH = 60 * 24 * DAYS_PER_MONTH;
const GB = 1_024 ** 3;
const SETTINGS = readSettings({});
const QUEUES = 2;
const KMS_KEYS = 2;
/** Metrics that the alarms of the stack look at; an alarm on a sum pays for each of its parts. */
export const ALARM_METRICS = 21;
/** A delivery, and with it its event as a rule, is gone at the latest so many days after its end: see the store. */
const KEPT_DAYS = SETTINGS.retentionDays + 35;

/** The lines of a bill, in dollars. */
export const LINES = ['Lambda', 'DynamoDB', 'SQS', 'S3', 'KMS', 'logs', 'monitoring', 'traffic'] as const;

export type Bill = Readonly<Record<(typeof LINES)[number], number>>;

export function totalBill(bill: Bill): number {
  return LINES.reduce((sum, line) => sum + bill[line], 0);
}

function billOf(amount: (line: (typeof LINES)[number]) => number): Bill {
  return Object.fromEntries(LINES.map((line) => [line, amount(line)])) as Bill;
}

/** Bills added up, each so many times. */
export function addBills(...parts: readonly (readonly [bill: Bill, times: number])[]): Bill {
  return billOf((line) => parts.reduce((sum, [bill, times]) => sum + times * bill[line], 0));
}

/** What a usage is charged with, at once and without what is kept of it. */
export function billOfUsage(used: Usage): Bill {
  return {
    Lambda: used.invocations * PRICES.lambdaInvocation + used.gbSeconds * PRICES.lambdaGbSecond,
    DynamoDB: used.writeUnits * PRICES.writeUnit + used.readUnits * PRICES.readUnit,
    SQS: used.sqsRequests * PRICES.sqsRequest + used.sqsGroupedMessages * PRICES.sqsGroupedMessage,
    S3: used.s3Puts * PRICES.s3Put + used.s3Gets * PRICES.s3Get,
    KMS: used.kmsRequests * PRICES.kmsRequest,
    logs: (used.logBytes / GB) * PRICES.logGb,
    monitoring: 0,
    traffic: 0,
  };
}

/** A month of a stack into which no mail comes. */
export function idleMonth({ accounts, tick, poll }: IdleStack): Bill {
  const polls = (accounts / CYCLE_MINUTES) * MINUTES_PER_MONTH;
  return addBills(
    [billOfUsage(tick), MINUTES_PER_MONTH],
    [billOfUsage(poll), polls],
    [FIXED_MONTH, 1],
    [{ ...NOTHING, traffic: (ASSUMED.pollEgressBytes / GB) * PRICES.egressGb }, polls],
  );
}

/** The interval that accounts have by default. */
const CYCLE_MINUTES = 5;

const NOTHING = billOf(() => 0);

const FIXED_MONTH: Bill = {
  ...NOTHING,
  SQS: QUEUES * ASSUMED.idleReceivesPerMinute * MINUTES_PER_MONTH * PRICES.sqsRequest,
  KMS: KMS_KEYS * PRICES.kmsKeyMonth,
  monitoring:
    ALARM_METRICS * PRICES.alarmMetricMonth +
    Object.keys(METRICS).length * PRICES.metricMonth +
    PRICES.dashboardMonth +
    MINUTES_PER_MONTH * PRICES.scheduleRun,
};

/** A mail, delivered to one webhook, with all that is kept of it until it is gone. */
export function billOfMail({ used, storedBytes }: MailUsage): Bill {
  const s3Months = blobRetentionDays(SETTINGS.retentionDays) / DAYS_PER_MONTH;
  const tableMonths = KEPT_DAYS / DAYS_PER_MONTH;
  const tableGb = storedBytes / GB;
  const kept: Bill = {
    ...NOTHING,
    S3: ((ASSUMED.rawBytes + ASSUMED.eventBytes) / GB) * s3Months * PRICES.s3GbMonth,
    DynamoDB: tableGb * tableMonths * (PRICES.tableGbMonth + PRICES.recoveryGbMonth),
    traffic: ((ASSUMED.eventBytes * ASSUMED.postOverhead) / GB) * PRICES.egressGb,
  };
  return addBills([billOfUsage(used), 1], [kept, 1]);
}
