import type { Account } from '../../account.ts';
import type { AccountId } from '../../identity.ts';
import type { BlobRef } from '../../ports/blobs.ts';
import type { Cursor } from '../../ports/mail-source.ts';
import { adoptBlobs, dropBlob, type PackLookup } from '../blob-rows.ts';
import type { Database } from '../database.ts';

interface CursorRow {
  readonly mailbox: string;
  readonly cursor: string;
  readonly base: BlobRef | null;
  readonly backfill: BlobRef | null;
  readonly base_saved_at: number | null;
}

/** The cursors of an account. */
export function cursorsOf(database: Database, id: AccountId): Cursor[] {
  return cursorRows(database, id).map(({ cursor }) => JSON.parse(cursor) as Cursor);
}

/** The ledgers that the cursor refers to are kept from now on, and those it referred to no longer are dropped. */
export function saveCursor(
  database: Database,
  packs: PackLookup,
  { accountId, cursor, nowMs }: { accountId: AccountId; cursor: Cursor; nowMs: number },
): void {
  const before = database.get<CursorRow>(
    'SELECT base, backfill, base_saved_at FROM cursors WHERE account_id = ? AND mailbox = ?',
    accountId,
    cursor.mailbox,
  );
  const ledgers = cursor.protocol === 'pop3' ? cursor : { base: null, backfill: null };
  const sameBase = ledgers.base === (before?.base ?? null);
  database.run(
    `INSERT OR REPLACE INTO cursors (account_id, mailbox, cursor, base, backfill, base_saved_at)
     VALUES (?, ?, ?, ?, ?, ?)`,
    accountId,
    cursor.mailbox,
    JSON.stringify(cursor),
    ledgers.base,
    ledgers.backfill,
    sameBase ? (before?.base_saved_at ?? null) : nowMs,
  );
  const had = ledgersOf(before);
  const has = ledgersOf(ledgers);
  adoptBlobs(
    database,
    packs,
    [...has].filter((ref) => !had.has(ref)),
  );
  for (const ref of had) if (!has.has(ref)) dropBlob(database, ref);
}

/** What the cursors say is of another place now: the next poll finds continuity broken. */
export function breakCursors(database: Database, id: AccountId, protocol: Account['protocol']): void {
  for (const row of cursorRows(database, id)) {
    const broken = brokenCursor(JSON.parse(row.cursor) as Cursor);
    if (broken.protocol === protocol) {
      database.run(
        'UPDATE cursors SET cursor = ? WHERE account_id = ? AND mailbox = ?',
        JSON.stringify(broken),
        id,
        row.mailbox,
      );
    } else deleteCursor(database, id, row);
  }
}

/** Forgets the cursors of an account with their ledgers. */
export function deleteCursors(database: Database, id: AccountId): void {
  for (const row of cursorRows(database, id)) deleteCursor(database, id, row);
}

function cursorRows(database: Database, id: AccountId): CursorRow[] {
  return database.all<CursorRow>(
    'SELECT mailbox, cursor, base, backfill, base_saved_at FROM cursors WHERE account_id = ?',
    id,
  );
}

function deleteCursor(database: Database, id: AccountId, row: CursorRow): void {
  database.run('DELETE FROM cursors WHERE account_id = ? AND mailbox = ?', id, row.mailbox);
  for (const ref of ledgersOf(row)) dropBlob(database, ref);
}

/** A ledger counts once for each cursor that refers to it, though as base and as backfill. */
function ledgersOf(cursor: Pick<CursorRow, 'base' | 'backfill'> | undefined): ReadonlySet<BlobRef> {
  return new Set([cursor?.base, cursor?.backfill].filter((ref) => ref != null));
}

function brokenCursor(cursor: Cursor): Cursor {
  return cursor.protocol === 'imap' ? { ...cursor, uidValidity: '' } : { ...cursor, listingHash: null };
}
