import type { EventRecord, SettlementStatus } from '../../event.ts';
import type { Source } from '../../identity.ts';
import { isoOf } from './context.ts';

/** Where a message lies, in columns: all null for an operational event, `mailbox` empty for POP3. */
export interface SourceColumns {
  readonly mailbox: string | null;
  readonly uid_validity: string | null;
  readonly uid: number | null;
  readonly uidl: string | null;
}

/** A row of `events`. */
export interface EventRow extends SourceColumns {
  readonly seq: number;
  readonly id: EventRecord['id'];
  readonly type: string;
  readonly account_id: EventRecord['accountId'];
  readonly backfill: number;
  readonly received_at: string;
  readonly committed_at: number;
  readonly message_id: string | null;
  readonly sender: string | null;
  readonly subject: string | null;
  readonly size_bytes: number;
  readonly digest: string | null;
  readonly raw: EventRecord['raw'];
  readonly body: EventRecord['body'];
  readonly link_token: string | null;
  readonly open: number;
  readonly delivered: number;
  readonly failed: number;
}

/** The source of a row; null when it is that of an operational event. */
export function sourceOf(row: SourceColumns): Source | null {
  if (row.mailbox === null) return null;
  if (row.uidl !== null) return { protocol: 'pop3', uidl: row.uidl };
  return { protocol: 'imap', mailbox: row.mailbox, uidValidity: row.uid_validity ?? '', uid: row.uid ?? 0 };
}

/** The columns of a source. */
export function sourceColumns(source: Source | null): SourceColumns {
  const none = { mailbox: null, uid_validity: null, uid: null, uidl: null };
  if (source === null) return none;
  if (source.protocol === 'pop3') return { ...none, mailbox: '', uidl: source.uidl };
  return { mailbox: source.mailbox, uid_validity: source.uidValidity, uid: source.uid, uidl: null };
}

/** The event of a row. */
export function eventOf(row: EventRow, settlement: SettlementStatus): EventRecord {
  return {
    id: row.id,
    type: row.type,
    accountId: row.account_id,
    source: sourceOf(row),
    backfill: row.backfill !== 0,
    receivedAt: row.received_at,
    committedAt: isoOf(row.committed_at),
    messageId: row.message_id,
    from: row.sender,
    subject: row.subject,
    sizeBytes: row.size_bytes,
    digest: row.digest,
    raw: row.raw,
    body: row.body,
    linkToken: row.link_token,
    open: row.open,
    delivered: row.delivered,
    failed: row.failed,
    settlement,
  };
}
