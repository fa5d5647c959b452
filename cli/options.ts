import { InvalidArgumentError, Option } from 'commander';
import { isCalendarDate, parseServerAction, parseStartPolicy } from '../shared/account.ts';
import { UsageError } from './errors.ts';

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 } as const;

/** An option that takes a whole number from `min` on. */
export function integerOption(flags: string, description: string, min = 1): Option {
  return new Option(flags, description).argParser((text: string) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min) return value;
    throw new InvalidArgumentError(`Give a whole number from ${min} on.`);
  });
}

/** An option that can be given more than once, and collects. */
export function listOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text: string, before: unknown) => [
    ...(Array.isArray(before) ? before : []),
    text,
  ]);
}

/** `--start`. */
export function startOption(): Option {
  return checkedOption(
    '--start <which>',
    'which messages that are there already are delivered: now (none), all, since:YYYY-MM-DD, last:N',
    (text) => parseStartPolicy(text) !== null,
    'Give now, all, since:YYYY-MM-DD or last:N.',
  );
}

/** `--on-delivered` or `--on-failed`, which does not know all of the actions. */
export function actionOption(flags: string, description: string, refused: readonly string[]): Option {
  const all = ['none', 'mark-seen', 'flag:KEYWORD', 'move:MAILBOX', 'delete'];
  const known = all.filter((action) => !refused.includes(action));
  return checkedOption(
    flags,
    `${description}: ${known.join(', ')}`,
    (text) => {
      const action = parseServerAction(text);
      return action !== null && !refused.includes(action.kind);
    },
    `Give ${known.join(', ')}.`,
  );
}

function checkedOption(
  flags: string,
  description: string,
  isValid: (text: string) => boolean,
  advice: string,
): Option {
  return new Option(flags, description).argParser((text: string) => {
    if (isValid(text)) return text;
    throw new InvalidArgumentError(advice);
  });
}

/** `--since`: a time in ISO 8601, or how long ago (`90m`, `2h`, `7d`); gives ISO 8601. */
export function sinceOption(description: string, now: () => Date): Option {
  return new Option(
    '--since <time>',
    `${description}; 2026-01-31, 2026-01-31T08:00:00Z, or 2h, 7d ago`,
  ).argParser((text: string) => {
    const time = parseTime(text, now());
    if (time !== null) return time.toISOString();
    throw new InvalidArgumentError('Give a time such as 2026-01-31, 2026-01-31T08:00:00Z, 2h or 7d.');
  });
}

function parseTime(text: string, now: Date): Date | null {
  const [, amount, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined) {
    return new Date(now.getTime() - Number(amount) * SECONDS[unit as keyof typeof SECONDS] * 1_000);
  }
  if (!/^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:?\d{2})?)?$/.test(text)) return null;
  const time = new Date(text);
  // A date that there is not, such as 2026-02-31, would be read as one in the next month.
  return Number.isNaN(time.getTime()) || !isCalendarDate(text.slice(0, 10)) ? null : time;
}

/** `--header 'K: V'` options as a record; throws UsageError for one without a colon or a name that is there twice. */
export function parseHeaders(lines: readonly string[]): Record<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = /^([^\s:]+):\s*(.*?)\s*$/s.exec(line) ?? [];
    // What is wrong is not shown: without its colon, a header may be nothing but a token.
    if (name === undefined || value === undefined) throw new UsageError("Give --header as 'Name: value'");
    if (headers.has(name)) throw new UsageError(`The header "${name}" is given twice`);
    headers.set(name, value);
  }
  return Object.fromEntries(headers);
}
