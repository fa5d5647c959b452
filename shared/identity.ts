import { createHash } from 'node:crypto';
import { domainToASCII } from 'node:url';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** An account's id, `acc_` + 16 characters; fixed when the account is created. */
export type AccountId = Branded<'AccountId'>;
/** An event's id, `msg_` + 26 characters; also the `webhook-id` of its deliveries. */
export type EventId = Branded<'EventId'>;
/** A webhook's id, `wh_` + 16 characters, random. */
export type WebhookId = Branded<'WebhookId'>;
/** A delivery's id, `<event id>.<webhook id>`. */
export type DeliveryId = Branded<'DeliveryId'>;

/** How a mail server is spoken to. */
export type Protocol = 'imap' | 'pop3';

/** Where a message lies on its server, and so what it is: the same place and numbers are the same message. */
export type Source =
  | {
      readonly protocol: 'imap';
      /** Decoded Unicode; `INBOX` in capitals. */
      readonly mailbox: string;
      /** Decimal, 1 to 2^32-1 (RFC 9051 section 2.3.1.1). */
      readonly uidValidity: string;
      readonly uid: number;
    }
  | { readonly protocol: 'pop3'; readonly uidl: string };

/** The two halves of a delivery's key. */
export interface DeliveryRef {
  readonly eventId: EventId;
  readonly webhookId: WebhookId;
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** The first `length` characters of the lower-case RFC 4648 base32 of SHA-256 over the parts, each ended by a zero byte. */
function digestId(parts: readonly string[], length: number): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part, 'utf8').update('\0');
  return base32(hash.digest(), length);
}

function base32(bytes: Uint8Array, length: number): string {
  let text = '';
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5 && text.length < length) {
      bits -= 5;
      text += BASE32[(buffer >> bits) & 31];
    }
  }
  return text;
}

/** A host as it counts for identity: its lower-case A-label (RFC 5890), without a trailing dot; an IP address as it is. */
export function canonicalHost(host: string): string {
  const trimmed = host.trim().replace(/\.$/, '').toLowerCase();
  return domainToASCII(trimmed) || trimmed;
}

/** A mailbox name as it counts for identity: `INBOX` is case-insensitive (RFC 9051 section 5.1), all others are not. */
export function canonicalMailbox(mailbox: string): string {
  return mailbox.toUpperCase() === 'INBOX' ? 'INBOX' : mailbox;
}

/** The id of the account that this login makes; also the key under which its messages get their ids. */
export function accountIdOf(login: {
  protocol: Protocol;
  host: string;
  port: number;
  username: string;
}): AccountId {
  const parts = [login.protocol, canonicalHost(login.host), String(login.port), login.username];
  return `acc_${digestId(parts, 16)}` as AccountId;
}

/**
 * The id of a message's event: the same message has the same id after any crash, retry, replay or loss of state.
 * `loginId` is the account id of the login the message was seen with (see `Account.loginId`).
 */
export function eventIdOf(loginId: AccountId, source: Source): EventId {
  const parts =
    source.protocol === 'imap'
      ? [loginId, 'imap', canonicalMailbox(source.mailbox), `${source.uidValidity}:${source.uid}`]
      : [loginId, 'pop3', '', source.uidl];
  return `msg_${digestId(parts, 26)}` as EventId;
}

/** The id of an operational event: derived from its type, what it is about, and the number of the transition. */
export function operationalEventId(type: string, subjectId: string, transition: number): EventId {
  return `msg_${digestId([type, subjectId, String(transition)], 26)}` as EventId;
}

/** A webhook's id from at least 10 random bytes. */
export function webhookIdOf(random: Uint8Array): WebhookId {
  return `wh_${base32(random, 16)}` as WebhookId;
}

/** The id of a delivery. */
export function deliveryIdOf(ref: DeliveryRef): DeliveryId {
  return `${ref.eventId}.${ref.webhookId}` as DeliveryId;
}

/** Reads an account id that came from outside; null when it has not the form of one. */
export function parseAccountId(text: string): AccountId | null {
  return /^acc_[a-z2-7]{16}$/.test(text) ? (text as AccountId) : null;
}

/** Reads an event id that came from outside; null when it has not the form of one. */
export function parseEventId(text: string): EventId | null {
  return /^msg_[a-z2-7]{26}$/.test(text) ? (text as EventId) : null;
}

/** Reads a webhook id that came from outside; null when it has not the form of one. */
export function parseWebhookId(text: string): WebhookId | null {
  return /^wh_[a-z2-7]{16}$/.test(text) ? (text as WebhookId) : null;
}

/** Reads a delivery id that came from outside; null when it has not the form of one. */
export function parseDeliveryId(text: string): DeliveryRef | null {
  const [event, webhook, ...rest] = text.split('.');
  if (event === undefined || webhook === undefined || rest.length > 0) return null;
  const eventId = parseEventId(event);
  const webhookId = parseWebhookId(webhook);
  return eventId && webhookId ? { eventId, webhookId } : null;
}
