import { z } from 'zod';

/*
 * The events as zod schemas: what docs/schema is made of. Descriptions and examples are those of the published schema.
 * Nothing that runs on a server imports this file; tests hold it and the types in event.ts together.
 */

const HEX_SHA256 = /^[0-9a-f]{64}$/;
const MAX_UID = 2 ** 32 - 1;

const timeSchema = z
  .string()
  .regex(/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$/)
  .meta({ format: 'date-time', description: 'ISO 8601 in UTC', examples: ['2026-11-25T07:59:58.000Z'] });
const eventIdSchema = z
  .string()
  .regex(/^msg_[a-z2-7]{26}$/)
  .meta({
    description:
      "The event's id, the same as the header webhook-id: the same after any retry, replay or crash",
    examples: ['msg_mrn7j3b5hkmhn7flhr4knsdsvx'],
  });
const sizeSchema = z.int().min(0);

const accountSchema = z
  .object({
    id: z.string().regex(/^acc_[a-z2-7]{16}$/),
    name: z.string(),
  })
  .meta({
    id: 'account',
    description: 'The account it came from',
    examples: [{ id: 'acc_gu5xweqhvnooiclr', name: 'ana' }],
  });

const sourceSchema = z
  .discriminatedUnion('protocol', [
    z.object({
      protocol: z.literal('imap'),
      mailbox: z.string().meta({ description: 'Decoded; INBOX in capitals', examples: ['INBOX'] }),
      uidValidity: z
        .string()
        .regex(/^[1-9][0-9]{0,9}$/)
        .meta({ description: 'A decimal number (RFC 9051 section 2.3.1.1)', examples: ['1'] }),
      uid: z
        .int()
        .min(1)
        .max(MAX_UID)
        .meta({ examples: [2] }),
    }),
    z.object({
      protocol: z.literal('pop3'),
      uidl: z.string().meta({ description: 'The unique id (RFC 1939 section 7)', examples: ['0000000a5f'] }),
    }),
  ])
  .meta({ id: 'source', description: 'Where the message lies on its server' });

const addressSchema = z
  .object({
    name: z.string().nullable().meta({ description: 'Decoded; null when there is none' }),
    address: z.string().nullable().meta({ description: 'null where the header has none that can be read' }),
  })
  .meta({ id: 'address', examples: [{ name: 'Ana', address: 'ana@example.com' }] });

const addresses = (header: string) =>
  z.array(addressSchema).meta({ description: `${header}; groups are flattened; [] when there is none` });

const attachmentSchema = z
  .object({
    id: z.string().meta({ description: 'Stable within the message: 1, 2, … in order', examples: ['1'] }),
    filename: z
      .string()
      .nullable()
      .meta({
        description: 'Decoded (RFC 2047, 2231), without folders; null when there is none',
        examples: ['a.pdf'],
      }),
    contentType: z.string().meta({ description: 'In lower case', examples: ['application/pdf'] }),
    size: sizeSchema.meta({ description: 'Decoded bytes', examples: [48_213] }),
    sha256: z.string().regex(HEX_SHA256).meta({ description: 'Lower-case hex, of the decoded bytes' }),
    disposition: z
      .enum(['attachment', 'inline'])
      .nullable()
      .meta({ description: 'Content-Disposition (RFC 2183); null when the part has none' }),
    contentId: z
      .string()
      .nullable()
      .meta({ description: 'Without angle brackets: html refers to it as cid:…', examples: ['logo@x'] }),
    href: z.string().nullable().meta({ description: 'Where the bytes can be fetched, as long as it works' }),
    content: z
      .string()
      .nullable()
      .meta({ description: 'The bytes in base64 where the webhook asks for them and they fit; else null' }),
  })
  .meta({ id: 'attachment', description: 'A part that is a file' });

const headerSchema = z
  .object({ name: z.string(), value: z.string() })
  .meta({ id: 'header', examples: [{ name: 'Received', value: 'from mx.example.com …' }] });

const textOrNull = (description: string, ...examples: string[]) =>
  z.string().nullable().meta({ description, examples });

/** `data` of `message.received`; see `MessageData`. */
export const messageDataSchema = z.object({
  id: eventIdSchema,
  account: accountSchema,
  source: sourceSchema,
  backfill: z.boolean().meta({ description: 'Whether the message was there before mailhook was' }),
  receivedAt: timeSchema.meta({
    description: 'INTERNALDATE of IMAP; with POP3, when mailhook first saw the message',
  }),
  date: timeSchema.nullable().meta({ description: 'Date; null when missing or unreadable' }),
  messageId: textOrNull('Message-ID, with angle brackets', '<a@example.com>'),
  inReplyTo: textOrNull('In-Reply-To, the first id', '<b@example.com>'),
  references: z
    .array(z.string())
    .meta({ description: 'References, oldest first', examples: [['<b@example.com>']] }),
  from: addressSchema.nullable().meta({ description: 'From: the first author' }),
  authors: addresses('From, all authors'),
  sender: addressSchema.nullable().meta({ description: 'Sender' }),
  replyTo: addresses('Reply-To'),
  to: addresses('To'),
  cc: addresses('Cc'),
  bcc: addresses('Bcc'),
  subject: textOrNull('Subject, decoded (RFC 2047)', 'Grüße'),
  text: textOrNull(
    'The plain text, decoded, with LF at the ends of lines; of HTML alone it is made',
    'Hello\n',
  ),
  html: textOrNull('The HTML, decoded, as the sender wrote it: not made safe', '<p>Hello</p>'),
  headers: z.array(headerSchema).meta({ description: 'All of the header, in order, decoded' }),
  flags: z.array(z.string()).meta({
    description: 'IMAP flags and keywords when the message was listed; [] with POP3',
    examples: [['\\Seen']],
  }),
  labels: z.array(z.string()).meta({ description: "Gmail's labels", examples: [['\\Important']] }),
  size: sizeSchema.meta({ description: 'Bytes, as the server gave them', examples: [12_345] }),
  attachments: z.array(attachmentSchema),
  list: z
    .object({
      id: z.string().nullable().meta({ description: 'List-Id (RFC 2919)' }),
      unsubscribe: z.array(z.string()).meta({ description: 'List-Unsubscribe (RFC 2369): URIs' }),
    })
    .nullable()
    .meta({ description: 'null for mail that is not of a list' }),
  autoSubmitted: textOrNull('Auto-Submitted (RFC 3834)', 'auto-replied'),
  raw: z
    .object({
      href: z
        .string()
        .nullable()
        .meta({ description: 'Where the bytes can be fetched, as long as it works' }),
      sha256: z.string().regex(HEX_SHA256).nullable().meta({ description: 'null when not fetched' }),
    })
    .meta({ description: 'The message as the server gave it' }),
  truncated: z
    .array(z.string())
    .meta({ description: 'The fields of which something is missing', examples: [['html']] }),
  parseError: z.string().nullable().meta({ description: 'What could not be read, and why' }),
});

/** `data` of `message.quarantined`; see `QuarantinedData`. */
const quarantinedDataSchema = z.object({
  id: eventIdSchema,
  account: accountSchema,
  source: sourceSchema,
  backfill: messageDataSchema.shape.backfill,
  receivedAt: timeSchema.meta({ description: 'INTERNALDATE of IMAP, else when mailhook gave up' }),
  size: sizeSchema.nullable().meta({ description: 'Bytes as the server states them; null when it does not' }),
  parseError: z.string().meta({ description: 'What the server answered' }),
});

/** `data` of `account.auth_failed`; see `AuthFailedData`. */
const authFailedDataSchema = z.object({
  id: eventIdSchema,
  account: accountSchema,
  reason: z.string().meta({ description: 'One line: what the server said' }),
});

/** `data` of `mailbox.reset`; see `MailboxResetData`. */
const mailboxResetDataSchema = z.object({
  id: eventIdSchema,
  account: accountSchema,
  mailbox: z.string().meta({ description: 'Empty with POP3', examples: ['INBOX'] }),
  unknown: sizeSchema.meta({ description: 'How many messages are not recognised and become events' }),
});

/** `data` of `flood.held`; see `FloodHeldData`. */
const floodHeldDataSchema = z.object({
  id: eventIdSchema,
  account: accountSchema,
  held: sizeSchema.meta({ description: 'How many messages wait for accounts resume or rebaseline' }),
  reason: z.string(),
});

/** `data` of `webhook.test`; see `WebhookTestData`. */
const webhookTestDataSchema = z.object({
  id: eventIdSchema,
  webhook: z.object({ id: z.string().regex(/^wh_[a-z2-7]{16}$/), name: z.string() }),
});

const envelope = <Type extends string, Data extends z.ZodType>(type: Type, data: Data, title: string) =>
  z
    .object({
      type: z.literal(type),
      timestamp: timeSchema.meta({ description: 'When it happened; receivedAt of a message' }),
      data,
    })
    .meta({ title });

/** The events by their type, each with its envelope: the whole body of a webhook request in the default format. */
export const eventSchemas = {
  'message.received': envelope('message.received', messageDataSchema, 'A mail'),
  'message.quarantined': envelope(
    'message.quarantined',
    quarantinedDataSchema,
    'A mail that its server would not hand out',
  ),
  'account.auth_failed': envelope(
    'account.auth_failed',
    authFailedDataSchema,
    'A login that the server refused: polling stops until the account is updated or resumed',
  ),
  'mailbox.reset': envelope(
    'mailbox.reset',
    mailboxResetDataSchema,
    'A mailbox whose UIDs or UIDLs lost their meaning',
  ),
  'flood.held': envelope('flood.held', floodHeldDataSchema, 'Messages held back after a reset'),
  'webhook.test': envelope('webhook.test', webhookTestDataSchema, 'The answer to mailhook webhooks test'),
} as const;
