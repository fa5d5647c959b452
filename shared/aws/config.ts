import { MAX_LINK_DAYS } from '../file-link.ts';
import { MAX_RETENTION_DAYS } from '../retention.ts';
import { oneOf, publicUrl, ranges, readEnvironment, text, type Variable, whole } from './environment.ts';
import { LOG_LEVELS } from './lambda-log.ts';

/** Every setting of a function, under the name that it has in its environment. Queues by URL, keys by ARN. */
export const VARIABLES = {
  stack: text('MAILHOOK_STACK'),
  logLevel: oneOf('MAILHOOK_LOG_LEVEL', LOG_LEVELS),
  table: text('MAILHOOK_TABLE'),
  retentionDays: whole('MAILHOOK_RETENTION_DAYS', 1, MAX_RETENTION_DAYS),
  bucket: text('MAILHOOK_BUCKET'),
  mailboxKey: text('MAILHOOK_MAILBOX_KEY'),
  webhookKey: text('MAILHOOK_WEBHOOK_KEY'),
  pollsQueue: text('MAILHOOK_POLLS_QUEUE'),
  deliveriesQueue: text('MAILHOOK_DELIVERIES_QUEUE'),
  pollFunction: text('MAILHOOK_POLL_FUNCTION'),
  dispatchFunction: text('MAILHOOK_DISPATCH_FUNCTION'),
  filesFunction: text('MAILHOOK_FILES_FUNCTION'),
  filesUrl: publicUrl('MAILHOOK_FILES_URL'),
  linkDays: whole('MAILHOOK_LINK_DAYS', 1, MAX_LINK_DAYS),
  egress: oneOf('MAILHOOK_EGRESS', ['public', 'private-ok']),
  egressAllow: ranges('MAILHOOK_EGRESS_ALLOW'),
} as const;

type Values = {
  readonly [Name in keyof typeof VARIABLES]: (typeof VARIABLES)[Name] extends Variable<infer Value>
    ? Value
    : never;
};

/** What every function is told. */
type Common = 'stack' | 'logLevel' | 'table' | 'retentionDays';

/** The settings that a function names, and those of every function; see `readEnvironment`, which throws. */
export function readConfig<Name extends keyof Values>(
  env: NodeJS.ProcessEnv,
  names: readonly Name[],
): Pick<Values, Name | Common> {
  const wanted = ['stack', 'logLevel', 'table', 'retentionDays', ...names] as const;
  const variables = Object.fromEntries(wanted.map((name) => [name, VARIABLES[name]]));
  return readEnvironment<Record<string, unknown>>(env, variables) as Pick<Values, Name | Common>;
}
