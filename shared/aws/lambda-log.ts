import { systemClock } from '../ports/clock.ts';
import type { Log, LogFields } from '../ports/log.ts';
import { metricsOf } from './metrics.ts';

export const LOG_LEVELS = ['info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

interface LambdaLogOptions {
  /** Takes one line, without its end. */
  readonly write: (line: string) => void;
  readonly now: () => Date;
  /** Lines below it are left out, but for those that carry a metric. */
  readonly level: LogLevel;
  /** The name of the stack: the one dimension of the metrics. */
  readonly stack: string;
}

/** A log whose lines name what they belong to. */
interface LambdaLog extends Log {
  /** The same log with these fields in every line. */
  with(fields: LogFields): LambdaLog;
}

/**
 * One JSON object a line, as CloudWatch Logs Insights reads them: `time`, `level`, `event`, then the fields. A line whose
 * event counts for a metric carries it in CloudWatch's embedded metric format; see metrics.ts for which ones.
 */
export function createLambdaLog(options: LambdaLogOptions): LambdaLog {
  return logWith(options, {});
}

function logWith(options: LambdaLogOptions, common: LogFields): LambdaLog {
  const { write, now, level: least, stack } = options;
  const line = (level: LogLevel, event: string, fields: LogFields = {}) => {
    const time = now();
    const metrics = metricsOf(event, fields, { stack, time });
    if (metrics === null && LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(least)) return;
    write(JSON.stringify({ time: time.toISOString(), level, event, ...common, ...fields, ...metrics }));
  };
  return {
    info: (event, fields) => line('info', event, fields),
    warn: (event, fields) => line('warn', event, fields),
    error: (event, fields) => line('error', event, fields),
    with: (fields) => logWith(options, { ...common, ...fields }),
  };
}

/** The log of a function: its standard output. */
export function createFunctionLog({ stack, logLevel }: { stack: string; logLevel: LogLevel }): LambdaLog {
  const write = (line: string) => void process.stdout.write(`${line}\n`);
  return createLambdaLog({ write, now: systemClock.now, level: logLevel, stack });
}
