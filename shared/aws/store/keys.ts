import { createHash } from 'node:crypto';
import type { AccountId, DeliveryRef, EventId, Source, WebhookId } from '../../identity.ts';
import type { WorkKey } from '../../ports/store.ts';
import { EVENT_PREFIX } from './table.ts';

/** The table's key of one item. */
export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** What is unique by its name: names of accounts and webhooks as their owners gave them, and logins by their account ids. */
type NameKind = 'account' | 'webhook' | 'login';

/** A list of which every item is one account or webhook, in the order of their creation. */
export type ListKind = 'account' | 'webhook';

/** The settlements that a message can have; see settlements.ts. */
export type SettlementSlot = 'delivered' | 'expiry' | 'failed';

/** Work that goes on in slices; see maintenance.ts. */
export type ChoreKind = 'account' | 'webhook' | 'ledger' | 'parked';

/** A sort key has room for 1,024 bytes; a longer name of a mailbox is told apart by its digest. */
const MAX_NAME_BYTES = 512;

/** Behind everything that follows in a sort key: only ids, digests and times do, none of which has this character. */
const END = '~';

// -- account ----------------------------------------------------------------------------------------------------------

/** The partition of an account: its settings, its lease, its schedule, its cursors and its work. */
export function accountPartition(id: AccountId): string {
  return `A#${id}`;
}

/** The settings and the sealed credential of an account. */
export function accountKey(id: AccountId): Key {
  return { pk: accountPartition(id), sk: 'META' };
}

/** The lease of an account with its state and health: all that every poll checks and writes. */
export function leaseKey(id: AccountId): Key {
  return { pk: accountPartition(id), sk: 'LEASE' };
}

/** When the tick is to look at an account. */
export function accountDueKey(id: AccountId): Key {
  return { pk: accountPartition(id), sk: 'DUE' };
}

/** The place of an account on the wheel. */
export function scheduleKey(id: AccountId): Key {
  return { pk: accountPartition(id), sk: 'SCHED' };
}

/** What is remembered of a mailbox. */
export function cursorKey(id: AccountId, mailbox: string): Key {
  const isLong = Buffer.byteLength(mailbox, 'utf8') > MAX_NAME_BYTES;
  return { pk: accountPartition(id), sk: `C#${isLong ? `~${digestOf(mailbox)}` : mailbox}` };
}

/** The gap of a message: one for each message, wherever it lies. */
export function gapKey(id: AccountId, source: Source): Key {
  const place =
    source.protocol === 'imap'
      ? `imap\0${source.uidValidity}\0${source.uid}\0${source.mailbox}`
      : `pop3\0${source.uidl}`;
  return { pk: accountPartition(id), sk: `W#G#${digestOf(place)}` };
}

/** A settlement, in the order of its time. */
export function settlementKey(id: AccountId, dueAt: string, eventId: EventId, slot: SettlementSlot): Key {
  return { pk: accountPartition(id), sk: `W#S#${dueAt}#${eventId}#${slot}` };
}

/** The form of the sort key of a gap. */
export const GAP_SORT = /^W#G#[0-9a-f]{64}$/;

/** The item of a gap of an account by the gap's key of work; null when it is not the key of one. */
export function gapItemKey(id: AccountId, key: WorkKey): Key | null {
  return GAP_SORT.test(key) ? { pk: accountPartition(id), sk: key } : null;
}

/** A settlement by its event, whenever it is due. */
export interface SettlementName {
  readonly eventId: EventId;
  readonly slot: SettlementSlot;
}

/** The key of work of a settlement: it stays the same when the settlement is put off, and with it its item's key changes. */
export function settlementWorkKey({ eventId, slot }: SettlementName): WorkKey {
  return `${eventId}#${slot}` as WorkKey;
}

/** The settlement of a key of work; null when it is not the key of one. */
export function parseSettlementWorkKey(key: WorkKey): SettlementName | null {
  const match = /^(msg_[a-z2-7]{26})#(delivered|expiry|failed)$/.exec(key);
  if (match === null) return null;
  return { eventId: match[1] as EventId, slot: match[2] as SettlementSlot };
}

/** The parts of the sort key of a settlement's item; null when it is that of another item. */
export function parseSettlementKey(sort: string): (SettlementName & { readonly dueAt: string }) | null {
  const match = /^W#S#([0-9TZ:.-]{24})#(msg_[a-z2-7]{26})#(delivered|expiry|failed)$/.exec(sort);
  if (match === null) return null;
  const [, dueAt = '', eventId = '', slot = ''] = match;
  return { dueAt, eventId: eventId as EventId, slot: slot as SettlementSlot };
}

/** The first and last sort key of what a poll reads: cursors, lease, settings, gaps, and settlements due until a time. */
export function pollRange(until: string): { readonly first: string; readonly last: string } {
  return { first: 'C#', last: `W#S#${until}#${END}` };
}

/** The same without the cursors, for finding out whether a poll has anything to do. */
export function workRange(until: string): { readonly first: string; readonly last: string } {
  return { first: 'DUE', last: `W#S#${until}#${END}` };
}

/** The settlements after a time. */
export function laterSettlements(after: string): { readonly first: string; readonly last: string } {
  return { first: `W#S#${after}#${END}`, last: `W#S#${END}` };
}

/** The sort keys that begin with a text. */
export function beginningWith(prefix: string): { readonly first: string; readonly last: string } {
  return { first: prefix, last: `${prefix}${END}` };
}

/** The partition of the message digests of an account. Apart from the account's own, which a poll reads whole. */
export function digestPartition(id: AccountId): string {
  return `K#${id}`;
}

/** The digest of a message that is on an event of an account. */
export function digestKey(id: AccountId, digest: string): Key {
  return { pk: digestPartition(id), sk: digest };
}

// -- event ------------------------------------------------------------------------------------------------------------

/** The partition of an event with its deliveries. */
export function eventPartition(id: EventId): string {
  return `${EVENT_PREFIX}${id}`;
}

/** An event with its counters. */
export function eventKey(id: EventId): Key {
  return { pk: eventPartition(id), sk: 'EVENT' };
}

/** A delivery of an event. */
export function deliveryKey({ eventId, webhookId }: DeliveryRef): Key {
  return { pk: eventPartition(eventId), sk: `D#${webhookId}` };
}

// -- webhook ----------------------------------------------------------------------------------------------------------

/** A webhook with its secrets and its gate. */
export function webhookKey(id: WebhookId): Key {
  return { pk: `H#${id}`, sk: 'META' };
}

/** The partition of the webhooks that may select an account, or every account. */
export function selectionPartition(id: AccountId | null): string {
  return `S#${id ?? '*'}`;
}

/** One webhook that may select an account, or every account. */
export function selectionKey(id: AccountId | null, webhookId: WebhookId): Key {
  return { pk: selectionPartition(id), sk: webhookId };
}

// -- system -----------------------------------------------------------------------------------------------------------

/** A name that is taken. */
export function nameKey(kind: NameKind, name: string): Key {
  return { pk: `NAME#${kind}`, sk: name };
}

/** The partition of a list. */
export function listPartition(kind: ListKind): string {
  return `LIST#${kind}`;
}

/** The place of an account or a webhook in its list, by a number that only grows. */
export function listKey(kind: ListKind, sequence: number, id: string): Key {
  return { pk: listPartition(kind), sk: `${String(sequence).padStart(12, '0')}#${id}` };
}

/**
 * The names that an account's logins take, so that no other has them. A login may be none that another account ever had: event
 * ids are made of it, and those of two accounts must not meet.
 */
export function loginKeys(logins: readonly AccountId[]): Key[] {
  return [...new Set(logins)].map((login) => nameKey('login', login));
}

const SYSTEM = 'SYS';

/** When the tick last ran. */
export function tickKey(): Key {
  return { pk: SYSTEM, sk: 'TICK' };
}

/** The number of the account or webhook that was created last. */
export function sequenceKey(): Key {
  return { pk: SYSTEM, sk: 'SEQUENCE' };
}

/** A month that has events in the log. */
export function monthKey(month: string): Key {
  return { pk: SYSTEM, sk: `MONTH#${month}` };
}

/** All months that have events in the log. */
export const MONTHS = { pk: SYSTEM, ...beginningWith('MONTH#') } as const;

/** Work that goes on in slices. */
export function choreKey(kind: ChoreKind, id: string): Key {
  return { pk: SYSTEM, sk: `CHORE#${kind}#${id}` };
}

/** All chores. */
export const CHORES = { pk: SYSTEM, ...beginningWith('CHORE#') } as const;

/** Counts of deliveries by the day on which they ended. */
export function countKey(shard: number, day: string): Key {
  return { pk: countPartition(shard), sk: day };
}

/** The partition of one shard of the counts. */
export function countPartition(shard: number): string {
  return `COUNT#${shard}`;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
