import { z } from 'zod';
import { parseCidr } from '../shared/egress/address.ts';
import { DEFAULT_LINK_DAYS, MAX_LINK_DAYS } from '../shared/file-link.ts';
import { DEFAULT_RETENTION_DAYS, MAX_RETENTION_DAYS } from '../shared/retention.ts';

/** Context keys of the CDK itself hold one of these; ours are plain words. */
const CDK_KEY = /[:@/]|^(?:cdk|availability-zones)/;
/** What CloudWatch Logs takes, in days. */
const LOG_RETENTION_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653];

/** A value of `cdk deploy -c key=value` is always text; one in cdk.json may be a number. */
function whole(least: number, most: number) {
  const message = `give a whole number from ${least} to ${most}`;
  const fromText = (value: unknown) =>
    typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  return z.preprocess(fromText, z.int(message).min(least, message).max(most, message));
}

function ranges() {
  const fromText = (value: unknown) =>
    typeof value === 'string' ? value.split(/[\s,]+/).filter((part) => part !== '') : value;
  const range = z.string().refine((text) => parseCidr(text) !== null, 'give ranges such as 10.0.0.0/8');
  return z.preprocess(fromText, z.array(range, 'give ranges such as 10.0.0.0/8, with commas between'));
}

const settingsSchema = z.strictObject({
  /** Names the stack, its functions and their logs: another name is another mailhook beside it. */
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,29}$/, 'give at most 30 of a-z, 0-9 and -, a letter first')
    .default('mailhook'),
  /** See `EgressPolicy`. */
  egress: z.enum(['public', 'private-ok'], 'give public or private-ok').default('public'),
  /** Ranges of addresses that may be contacted besides; see `EgressOptions.allow`. */
  egressAllow: ranges().default([]),
  /** Gets a mail when an alarm goes off; none when absent. */
  alarmEmail: z.email('give a mail address').nullable().default(null),
  /** Events and deliveries are kept so long after their end; bytes of mails twice as long and 15 days. */
  retentionDays: whole(1, MAX_RETENTION_DAYS).default(DEFAULT_RETENTION_DAYS),
  /** Links to attachments and raw mail work so long, as long as their message and its bytes are kept. */
  linkDays: whole(1, MAX_LINK_DAYS).default(DEFAULT_LINK_DAYS),
  logLevel: z.enum(['info', 'warn', 'error'], 'give info, warn or error').default('info'),
  logRetentionDays: whole(1, 3_653)
    .refine((days) => LOG_RETENTION_DAYS.includes(days), `give one of ${LOG_RETENTION_DAYS.join(', ')}`)
    .default(30),
  /** Invocations at once; each polls up to 25 accounts. */
  pollConcurrency: whole(2, 1_000).default(20),
  /** Invocations at once; each delivers up to 100 events. */
  dispatchConcurrency: whole(2, 1_000).default(20),
  /**
   * Invocations at once, set apart for them: whoever floods the public URL of the files then takes nothing from the other functions.
   * Without it there is no bound but the account's; an account of which the quota is small cannot set any apart.
   */
  filesConcurrency: whole(1, 1_000).nullable().default(null),
  /** The largest mails decide: the parser alone may take 512 MB. */
  pollMemoryMb: whole(512, 10_240).default(1_024),
  dispatchMemoryMb: whole(256, 10_240).default(512),
  /** A table that is there already, restored from a backup for example, in place of the stack's own; none when absent. */
  restoredTable: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{3,255}$/, 'give the name of a DynamoDB table')
    .nullable()
    .default(null),
  /** What becomes of table, bucket and keys when the stack is deleted. */
  removalPolicy: z.enum(['retain', 'destroy'], 'give retain or destroy').default('retain'),
});

/** What whoever deploys the stack decides, with the defaults filled in. */
export type Settings = Readonly<z.output<typeof settingsSchema>>;

/** A setting that cannot be used; one line that names it, its value and what it may be. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** Reads the settings from the CDK's context (cdk.json, `-c key=value`); what the CDK keeps there itself is passed over. */
export function readSettings(context: Readonly<Record<string, unknown>>): Settings {
  const given = Object.fromEntries(Object.entries(context).filter(([key]) => !CDK_KEY.test(key)));
  const parsed = settingsSchema.safeParse(given);
  if (parsed.success) return Object.freeze(parsed.data);
  const [issue] = parsed.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    const known = Object.keys(settingsSchema.shape).join(', ');
    throw new SettingsError(
      `Cannot use the setting "${issue.keys[0]}": there is none of this name, only ${known}`,
    );
  }
  const key = String(issue?.path[0] ?? '');
  throw new SettingsError(
    `Cannot use ${key} ${JSON.stringify(given[key])}: ${issue?.message ?? 'it is wrong'}`,
  );
}
