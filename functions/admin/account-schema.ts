import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { parseServerAction, parseStartPolicy } from '../../shared/account.ts';
import { canonicalHost, canonicalMailbox } from '../../shared/identity.ts';
import { laterSchema, nameSchema, timeSchema } from './common-schema.ts';

const MAX_HOST_LENGTH = 260;
const MAX_USERNAME_LENGTH = 320;
const MAX_PASSWORD_LENGTH = 4_096;
const MAX_MAILBOXES = 100;
const MAX_MAILBOX_LENGTH = 1_000;
const MAX_CA_LENGTH = 65_536;
const MIN_INTERVAL_SECONDS = 5;
const MAX_INTERVAL_SECONDS = 86_400;
const MAX_DELETE_AFTER_DAYS = 3_650;
const MIN_MAX_SIZE_BYTES = 1_024;
/** What a poll holds in memory at most. */
const MAX_MAX_SIZE_BYTES = 67_108_864;
const DEFAULT_MAX_SIZE_BYTES = 52_428_800;
const DEFAULT_INTERVAL_SECONDS = 300;

// A line end or a zero byte in a login would end the command it is sent in.
const oneLine = /^[^\r\n\0]*$/;

const mailboxSchema = z
  .string()
  .min(1, 'must not be empty')
  .max(MAX_MAILBOX_LENGTH)
  .regex(/^\P{Cc}*$/u, 'must have no control characters')
  .transform(canonicalMailbox);

const startSchema = z
  .string()
  .max(100)
  .transform((text, context) => {
    const start = parseStartPolicy(text);
    if (start !== null && !(start.kind === 'last' && start.count === 0)) return start;
    context.addIssue({ code: 'custom', message: 'must be now, all, since:YYYY-MM-DD or last:N' });
    return z.NEVER;
  })
  .meta({ description: 'now, all, since:YYYY-MM-DD (IMAP) or last:N' });

const actionSchema = z
  .string()
  .max(MAX_MAILBOX_LENGTH)
  .transform((text, context) => {
    const action = parseServerAction(text);
    if (action !== null) return action;
    context.addIssue({
      code: 'custom',
      message: 'must be none, mark-seen, flag:KEYWORD, move:MAILBOX or delete',
    });
    return z.NEVER;
  })
  .meta({ description: 'none, mark-seen, flag:KEYWORD, move:MAILBOX or delete; POP3 knows none and delete' });

const caSchema = z.string().max(MAX_CA_LENGTH).refine(isPem, 'must be certificates in PEM form');

function isPem(text: string): boolean {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.length > 0 && blocks.every(isCertificate);
}

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).raw.length > 0;
  } catch {
    return false;
  }
}

const NO_HOST = 'must be a host name or an address, without a scheme and a port';

const hostSchema = z
  .string()
  .max(MAX_HOST_LENGTH)
  .regex(/^[^\s\p{C}/@\\?#]+$/u, NO_HOST)
  // One colon: an IPv6 address has more, or stands in brackets.
  .refine((host) => !/^(\[.*\]|[^:]*):\d*$/.test(host), NO_HOST)
  .transform((host) => canonicalHost(host.replace(/^\[(.*)\]$/, '$1')));

/** What can be changed later, without defaults: an absent field stays as it is. */
const changeableShape = {
  name: nameSchema,
  host: hostSchema,
  port: z.int().min(1).max(65_535),
  security: z.enum(['tls', 'starttls', 'none']),
  username: z
    .string()
    .min(1, 'must not be empty')
    .max(MAX_USERNAME_LENGTH)
    .regex(oneLine, 'must be one line'),
  password: z
    .string()
    .min(1, 'must not be empty')
    .max(MAX_PASSWORD_LENGTH)
    .regex(oneLine, 'must be one line'),
  mailboxes: z
    .array(mailboxSchema)
    .max(MAX_MAILBOXES)
    .refine((names) => new Set(names).size === names.length, 'must name each mailbox once'),
  intervalSeconds: z.int().min(MIN_INTERVAL_SECONDS).max(MAX_INTERVAL_SECONDS),
  start: startSchema,
  onDelivered: actionSchema,
  onFailed: actionSchema,
  deleteAfterDays: z.int().min(1).max(MAX_DELETE_AFTER_DAYS).nullable(),
  maxSizeBytes: z.int().min(MIN_MAX_SIZE_BYTES).max(MAX_MAX_SIZE_BYTES),
  caPem: caSchema.nullable(),
  tlsAllowInvalidCertificate: z.boolean(),
};

/** Not a setting: whether to do without the login that proves the settings. */
const skipTestSchema = z.boolean().default(false);

/** The body that adds an account. */
export const accountCreateSchema = z.strictObject({
  ...changeableShape,
  protocol: z.enum(['imap', 'pop3']).default('imap'),
  port: changeableShape.port.optional().meta({ description: 'The usual one of the protocol when absent' }),
  security: changeableShape.security.default('tls'),
  password: changeableShape.password.optional(),
  mailboxes: changeableShape.mailboxes.optional().meta({ description: 'INBOX when absent; none for POP3' }),
  intervalSeconds: changeableShape.intervalSeconds.default(DEFAULT_INTERVAL_SECONDS),
  start: startSchema.prefault('now'),
  onDelivered: actionSchema.prefault('none'),
  onFailed: actionSchema.prefault('none'),
  deleteAfterDays: changeableShape.deleteAfterDays.default(null),
  maxSizeBytes: changeableShape.maxSizeBytes.default(DEFAULT_MAX_SIZE_BYTES),
  caPem: changeableShape.caPem.default(null),
  tlsAllowInvalidCertificate: changeableShape.tlsAllowInvalidCertificate.default(false),
  skipTest: skipTestSchema,
  oauth: laterSchema,
});

/** The body that changes an account. */
export const accountUpdateSchema = z.strictObject({
  ...z.strictObject(changeableShape).partial().shape,
  skipTest: skipTestSchema,
  oauth: laterSchema,
});

/** A checked `accountCreateSchema`. */
export type AccountCreate = z.output<typeof accountCreateSchema>;
/** A checked `accountUpdateSchema`. */
export type AccountUpdate = z.output<typeof accountUpdateSchema>;

/** An account as the API shows it; never with its credential. */
export const accountSchema = z.object({
  id: z.string(),
  name: z.string(),
  protocol: z.enum(['imap', 'pop3']),
  host: z.string(),
  port: z.int(),
  security: z.enum(['tls', 'starttls', 'none']),
  username: z.string(),
  auth: z.literal('password'),
  mailboxes: z.array(z.string()),
  intervalSeconds: z.int(),
  start: z.string(),
  onDelivered: z.string(),
  onFailed: z.string(),
  deleteAfterDays: z.int().nullable(),
  maxSizeBytes: z.int(),
  tlsAllowInvalidCertificate: z.boolean(),
  state: z.enum(['active', 'paused', 'auth_failed', 'error']),
  reason: z.string().nullable(),
  held: z.int(),
  lastPollAt: timeSchema.nullable(),
  lastSuccessAt: timeSchema.nullable(),
  lastError: z.object({ code: z.string(), message: z.string(), at: timeSchema }).nullable(),
  createdAt: timeSchema,
});

/** One account as the API shows it: with what waits to be fetched. */
export const accountDetailSchema = accountSchema.extend({
  waiting: z
    .object({
      messages: z.int().meta({ description: 'At least so many, where there are more than 10,000' }),
      oldestAt: timeSchema.nullable(),
      reasons: z
        .array(z.object({ error: z.string(), messages: z.int(), nextTryAt: timeSchema }))
        .meta({ description: 'The most frequent ones first, at most 5' }),
    })
    .meta({ description: 'Messages that could not be fetched yet and are tried again' }),
});

/** What a login found. */
export const accountTestSchema = z.object({
  ok: z.literal(true),
  mailboxes: z.array(z.object({ name: z.string(), messages: z.int() })),
});
