import { z } from 'zod';
import { ATTACHMENT_FORMS, MAX_TIMEOUT_SECONDS, takesEvent } from '../../shared/webhook.ts';
import { headersError } from '../../shared/webhook-headers.ts';
import { secretKey } from '../../shared/webhook-secret.ts';
import { laterSchema, nameSchema, referenceSchema, timeSchema } from './common-schema.ts';

const MAX_URL_LENGTH = 2_048;
const MAX_ACCOUNTS = 1_000;
const MAX_EVENT_PATTERNS = 20;
const MIN_TIMEOUT_SECONDS = 1;
const DEFAULT_TIMEOUT_SECONDS = 15;
const DEFAULT_GRACE_HOURS = 24;
const MAX_GRACE_HOURS = 168;

/** The types a webhook can ask for; a pattern that takes none of them is a slip of the pen. */
const EVENT_TYPES = [
  'message.received',
  'message.quarantined',
  'account.auth_failed',
  'mailbox.reset',
  'flood.held',
] as const;

const eventPatternSchema = z
  .string()
  .max(100)
  .refine(
    (pattern) => EVENT_TYPES.some((type) => takesEvent([pattern], type)),
    `must be one of ${EVENT_TYPES.join(', ')}, or a part of one with * at its end`,
  );

const headersSchema = z.record(z.string(), z.string()).superRefine((headers, context) => {
  const message = headersError(headers);
  if (message !== null) context.addIssue({ code: 'custom', message });
});

const secretSchema = z
  .string()
  .max(200)
  .refine((text) => secretKey(text) !== null, 'must be whsec_ and the base64 of 24 to 64 bytes')
  .meta({ description: 'whsec_ and the base64 of 24 to 64 bytes; made up when absent' });

const changeableShape = {
  url: z.string().min(1, 'must not be empty').max(MAX_URL_LENGTH),
  name: nameSchema,
  accounts: z
    .array(referenceSchema)
    .min(1, 'must name an account; null stands for all')
    .max(MAX_ACCOUNTS)
    .nullable()
    .meta({ description: 'Ids or names; null for all accounts, also those added later' }),
  events: z.array(eventPatternSchema).min(1, 'must name a type of event').max(MAX_EVENT_PATTERNS),
  headers: headersSchema,
  attachments: z.enum(ATTACHMENT_FORMS).meta({
    description: 'link: by href; inline: besides, those that fit into 1 MiB as content; none: neither',
  }),
  timeoutSeconds: z.int().min(MIN_TIMEOUT_SECONDS).max(MAX_TIMEOUT_SECONDS),
};

const laterShape = {
  filter: laterSchema,
  transform: laterSchema,
  maxPerMinute: laterSchema,
};

/** The body that adds a webhook. */
export const webhookCreateSchema = z.strictObject({
  ...changeableShape,
  ...laterShape,
  name: nameSchema.optional().meta({ description: 'The host of the URL when absent, made unique' }),
  accounts: changeableShape.accounts.default(null),
  events: changeableShape.events.default(['message.*']),
  headers: headersSchema.default({}),
  attachments: changeableShape.attachments.default('link'),
  timeoutSeconds: changeableShape.timeoutSeconds.default(DEFAULT_TIMEOUT_SECONDS),
  secret: secretSchema.optional(),
});

/** The body that changes a webhook; an absent field stays as it is. */
export const webhookUpdateSchema = z.strictObject({
  ...z.strictObject(changeableShape).partial().shape,
  ...laterShape,
});

/** The body that gives a webhook a new secret. */
export const rotateSecretSchema = z.strictObject({
  graceHours: z
    .number()
    .min(0)
    .max(MAX_GRACE_HOURS)
    .default(DEFAULT_GRACE_HOURS)
    .meta({ description: 'How long the old secrets sign along; 0 ends them at once' }),
  secret: secretSchema.optional(),
});

/** A checked `webhookCreateSchema`. */
export type WebhookCreate = z.output<typeof webhookCreateSchema>;
/** A checked `webhookUpdateSchema`. */
export type WebhookUpdate = z.output<typeof webhookUpdateSchema>;

/** A webhook as the API shows it; of its headers the names only. */
export const webhookSchema = z.object({
  id: z.string(),
  name: z.string(),
  url: z.string(),
  accounts: z.array(z.string()).nullable(),
  events: z.array(z.string()),
  filter: z.null(),
  transform: z.null(),
  headers: z.array(z.string()),
  attachments: z.enum(ATTACHMENT_FORMS),
  timeoutSeconds: z.int(),
  maxPerMinute: z.null(),
  state: z.enum(['enabled', 'disabled']),
  reason: z.string().nullable(),
  gate: z.object({ reason: z.enum(['retry-after', 'disabled']), until: timeSchema.nullable() }).nullable(),
  pending: z.int(),
  lastSuccessAt: timeSchema.nullable(),
  createdAt: timeSchema,
});

/** A webhook with its newest secret: what adding, rotating and asking for it answer, and nothing else does. */
export const webhookWithSecretSchema = webhookSchema.extend({ secret: z.string() });

/** One POST, also what a test answers. */
export const attemptSchema = z.object({
  at: timeSchema,
  trigger: z.enum(['schedule', 'retry', 'replay', 'test']),
  status: z.int().nullable(),
  outcome: z.string(),
  error: z.string().nullable(),
  durationMs: z.number(),
  response: z.string().nullable(),
});
