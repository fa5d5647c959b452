import type { ServerAction } from './account.ts';
import type { AccountId, EventId, Source, WebhookId } from './identity.ts';
import type { BlobRef } from './ports/blobs.ts';

/** An address as the header gave it, decoded; either half may be missing. */
export interface Address {
  readonly name: string | null;
  readonly address: string | null;
}

/** A part that is a file, without its bytes. */
export interface Attachment {
  /** Stable within the message: the number of the part, `1`, `2`, … in order of appearance. */
  readonly id: string;
  readonly filename: string | null;
  readonly contentType: string;
  /** Decoded bytes. */
  readonly size: number;
  /** Lower-case hex over the decoded bytes. */
  readonly sha256: string;
  readonly disposition: 'attachment' | 'inline' | null;
  /** Without angle brackets. */
  readonly contentId: string | null;
  /** Where the bytes can be fetched, by whoever has the link and as long as it works; null where there are no links. */
  readonly href: string | null;
  /** The bytes in base64 (RFC 4648 section 4), where the webhook asks for them and they fit; else null. */
  readonly content: string | null;
}

/** The `data` of a `message.received` event. Missing is null or `[]`, never absent; fields are only ever added. */
export interface MessageData {
  readonly id: EventId;
  readonly account: { readonly id: AccountId; readonly name: string };
  readonly source: Source;
  /** Whether the message was there before mailhook was. */
  readonly backfill: boolean;
  /** INTERNALDATE, else when mailhook first saw it; ISO 8601 UTC, as every time here. */
  readonly receivedAt: string;
  /** The Date header; null when missing or unreadable. */
  readonly date: string | null;
  /** With angle brackets, as in the header. */
  readonly messageId: string | null;
  readonly inReplyTo: string | null;
  readonly references: readonly string[];
  /** The first author. */
  readonly from: Address | null;
  readonly authors: readonly Address[];
  readonly sender: Address | null;
  readonly replyTo: readonly Address[];
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly bcc: readonly Address[];
  readonly subject: string | null;
  readonly text: string | null;
  readonly html: string | null;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  /** IMAP system flags and keywords when the message was listed. */
  readonly flags: readonly string[];
  readonly labels: readonly string[];
  /** Bytes as the server gave them. */
  readonly size: number;
  readonly attachments: readonly Attachment[];
  readonly list: { readonly id: string | null; readonly unsubscribe: readonly string[] } | null;
  readonly autoSubmitted: string | null;
  /** `sha256` in lower-case hex, of the bytes as the server gave them; null when they were not fetched. */
  readonly raw: { readonly href: string | null; readonly sha256: string | null };
  /** The fields that were cut, e.g. `html`, `text`, `headers`, `to`, `attachments`, `raw`; `[]` when nothing was. */
  readonly truncated: readonly string[];
  /** Why (a part of) the message could not be read; null when all was. */
  readonly parseError: string | null;
}

/** What every event of an account says first. */
interface AccountEventData {
  readonly id: EventId;
  readonly account: { readonly id: AccountId; readonly name: string };
}

/** The `data` of a `message.quarantined` event: what is known of a message that its server would not hand out. */
export interface QuarantinedData extends AccountEventData {
  readonly source: Source;
  readonly backfill: boolean;
  /** INTERNALDATE, else when mailhook gave up. */
  readonly receivedAt: string;
  /** Bytes as the server states them; null when it does not. */
  readonly size: number | null;
  readonly parseError: string;
}

/** The `data` of an `account.auth_failed` event. */
interface AuthFailedData extends AccountEventData {
  readonly reason: string;
}

/** The `data` of a `mailbox.reset` event. */
interface MailboxResetData extends AccountEventData {
  /** Empty for POP3. */
  readonly mailbox: string;
  /** The messages that are not recognised and become events. */
  readonly unknown: number;
}

/** The `data` of a `flood.held` event. */
interface FloodHeldData extends AccountEventData {
  readonly held: number;
  readonly reason: string;
}

/** The `data` of a `webhook.test` event. */
export interface WebhookTestData {
  readonly id: EventId;
  readonly webhook: { readonly id: WebhookId; readonly name: string };
}

/** Every type of event, with its `data`. */
export interface EventDataByType {
  readonly 'message.received': MessageData;
  readonly 'message.quarantined': QuarantinedData;
  readonly 'account.auth_failed': AuthFailedData;
  readonly 'mailbox.reset': MailboxResetData;
  readonly 'flood.held': FloodHeldData;
  readonly 'webhook.test': WebhookTestData;
}

/** The body of a webhook request: the Standard Webhooks envelope. */
export interface Envelope<Data> {
  readonly type: keyof EventDataByType;
  /** When it happened: `receivedAt` of a message. */
  readonly timestamp: string;
  readonly data: Data;
}

/** What is known of where a settlement stands. */
export interface SettlementStatus {
  readonly action: ServerAction;
  /** `waiting` deliveries or days are outstanding; `due` the server is to be told; `void` no longer wanted or possible. */
  readonly state: 'none' | 'waiting' | 'due' | 'done' | 'failed' | 'void';
  /** Why it failed, is void, or did not work the last time; null where there is nothing to say. */
  readonly reason: string | null;
}

/** What can have become of a message. */
export const MESSAGE_STATES = ['pending', 'delivered', 'failed', 'ignored', 'quarantined'] as const;

/** See `messageState`. */
export type MessageState = (typeof MESSAGE_STATES)[number];

/** What the store keeps of an event: a message (`source` set) or an operational fact (`source` null). */
export interface EventRecord {
  readonly id: EventId;
  readonly type: string;
  readonly accountId: AccountId;
  readonly source: Source | null;
  readonly backfill: boolean;
  readonly receivedAt: string;
  readonly committedAt: string;
  readonly messageId: string | null;
  /** `Name <address>` of the first author, for lists. */
  readonly from: string | null;
  readonly subject: string | null;
  readonly sizeBytes: number;
  /** See `messageDigest`: finds the message again when its place lost its meaning. Null for operational events. */
  readonly digest: string | null;
  readonly raw: BlobRef | null;
  /** The frozen event, the exact bytes that are posted. */
  readonly body: BlobRef;
  /** See `FileLink`; null where the event has no links. */
  readonly linkToken: string | null;
  /** Deliveries not ended yet, those that ended with a 2xx, and those that ended without. Skipped ones count in none. */
  readonly open: number;
  readonly delivered: number;
  readonly failed: number;
  readonly settlement: SettlementStatus;
}

/** The state that follows from an event's counters. */
export function messageState(
  event: Pick<EventRecord, 'type' | 'open' | 'delivered' | 'failed'>,
): MessageState {
  if (event.type === 'message.quarantined') return 'quarantined';
  if (event.open > 0) return 'pending';
  if (event.failed > 0) return 'failed';
  return event.delivered > 0 ? 'delivered' : 'ignored';
}
