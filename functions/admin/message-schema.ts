import { z } from 'zod';
import { DELIVERY_STATES } from '../../shared/delivery.ts';
import { MESSAGE_STATES } from '../../shared/event.ts';
import { pageQueryShape, referenceSchema, sinceSchema, timeSchema } from './common-schema.ts';
import { attemptSchema } from './webhook-schema.ts';

const MAX_REPLAYED_MESSAGES = 1_000;
const idSchema = z.string().min(1).max(100);

const deliveryStateSchema = z.enum(DELIVERY_STATES);
const messageStateSchema = z.enum(MESSAGE_STATES);

/** The query of the list of messages. */
export const messageQuerySchema = z.strictObject({
  account: referenceSchema.optional(),
  state: messageStateSchema.optional(),
  since: sinceSchema.optional(),
  ...pageQueryShape,
});

/** The query of the list of deliveries. */
export const deliveryQuerySchema = z.strictObject({
  webhook: referenceSchema.optional(),
  state: deliveryStateSchema.optional(),
  since: sinceSchema.optional(),
  ...pageQueryShape,
});

/** The body that delivers messages again. */
export const messageReplaySchema = z.strictObject({
  ids: z
    .array(idSchema)
    .min(1, 'must name a message')
    .max(MAX_REPLAYED_MESSAGES)
    .meta({ description: 'Message ids' }),
  webhook: referenceSchema.optional().meta({
    description: 'Only to this one; else to those that had it, or that select its account if none had',
  }),
});

/** The body that delivers again what a webhook had. */
export const deliveryReplaySchema = z.strictObject({
  webhook: referenceSchema,
  since: sinceSchema,
  states: z
    .array(deliveryStateSchema)
    .min(1)
    .default(['pending', 'parked', 'delivered', 'exhausted', 'rejected']),
  dryRun: z.boolean().default(false).meta({ description: 'Counts only' }),
});

/** A delivery with its latest attempts, as the API shows it. */
export const deliverySchema = z.object({
  id: z.string(),
  message: z.string(),
  webhook: z.string(),
  state: deliveryStateSchema,
  attempts: z.array(attemptSchema),
  nextAttemptAt: timeSchema.nullable(),
});

/** A message as the API shows it. `source` is null for an operational event. */
export const messageSchema = z.object({
  id: z.string(),
  account: z.string(),
  source: z
    .union([
      z.object({ protocol: z.literal('imap'), mailbox: z.string(), uidValidity: z.string(), uid: z.int() }),
      z.object({ protocol: z.literal('pop3'), uidl: z.string() }),
    ])
    .nullable(),
  messageId: z.string().nullable(),
  from: z.string().nullable(),
  subject: z.string().nullable(),
  receivedAt: timeSchema,
  size: z.int(),
  state: messageStateSchema,
  deliveries: z.array(
    z.object({
      id: z.string(),
      webhook: z.string(),
      state: deliveryStateSchema,
      attempts: z.int(),
      nextAttemptAt: timeSchema.nullable(),
    }),
  ),
  settlement: z.object({
    action: z.string(),
    state: z.enum(['none', 'waiting', 'due', 'done', 'failed', 'void']),
    reason: z.string().nullable().meta({ description: 'Why it is not done' }),
  }),
});

/** A message with the links to its bytes: null where it has none, or none that still works. */
export const messageWithLinksSchema = messageSchema.extend({
  links: z
    .object({
      expireAt: timeSchema,
      raw: z.string().nullable(),
      attachments: z.array(
        z.object({ id: z.string(), filename: z.string().nullable(), href: z.string().nullable() }),
      ),
    })
    .nullable(),
});

/** What replaying messages answers: the deliveries that are due now. */
export const messageReplayedSchema = z.object({
  deliveries: z.array(z.object({ id: z.string(), message: z.string(), webhook: z.string() })),
});

/** What replaying a webhook's deliveries answers. */
export const deliveryReplayedSchema = z.object({
  webhook: z.string(),
  since: timeSchema,
  dryRun: z.boolean(),
  /** How many there are, by state and in all, before any of them is replayed. */
  states: z.partialRecord(deliveryStateSchema, z.int()),
  matched: z.int(),
  replayed: z.int(),
});
