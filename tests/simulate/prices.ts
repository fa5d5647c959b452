/** List prices in US dollars, us-east-1, arm64, no free tier, November 2026. */
export const PRICES = {
  lambdaInvocation: 0.2e-6,
  lambdaGbSecond: 0.0000133334,
  sqsRequest: 0.4e-6,
  /** On top, for a message of a fair queue. */
  sqsGroupedMessage: 0.1e-6,
  writeUnit: 0.625e-6,
  readUnit: 0.125e-6,
  /** The table itself, and the copy that it can be restored from to any second. */
  tableGbMonth: 0.25,
  recoveryGbMonth: 0.2,
  s3Put: 5e-6,
  s3Get: 0.4e-6,
  s3GbMonth: 0.023,
  kmsKeyMonth: 1,
  kmsRequest: 3e-6,
  logGb: 0.5,
  alarmMetricMonth: 0.1,
  dashboardMonth: 3,
  metricMonth: 0.3,
  scheduleRun: 1e-6,
  egressGb: 0.09,
} as const;
