import type { AccountId } from '../../identity.ts';
import type { Cursor } from '../../ports/mail-source.ts';
import { assign } from './assign.ts';
import { cursorKey } from './keys.ts';
import { type Item, json, number } from './marshal.ts';
import type { Write } from './writes.ts';

/** A cursor as it is stored: of the known UIDs the first, and of each other how much larger it is than the one before. */
function pack(cursor: Cursor): string {
  if (cursor.protocol === 'pop3') return JSON.stringify(cursor);
  const recent = cursor.recent.map((uid, index) => uid - (cursor.recent[index - 1] ?? 0));
  return JSON.stringify({ ...cursor, recent });
}

function unpack(text: Cursor): Cursor {
  if (text.protocol === 'pop3') return text;
  let uid = 0;
  const recent = text.recent.map((step) => {
    uid += step;
    return uid;
  });
  return { ...text, recent };
}

/** What becomes of the time at which the ledger of a cursor was saved: null when there is no ledger any more. */
export type LedgerTime = 'unchanged' | { readonly savedAt: string | null };

/** Writes a cursor of the given era. */
export function cursorWrite(id: AccountId, cursor: Cursor, era: number, ledger: LedgerTime): Write {
  const { update, values } = assign({
    ...{ mailboxCursor: pack(cursor), era },
    ...(ledger !== 'unchanged' && { ledgerSavedAt: ledger.savedAt }),
  });
  return { kind: 'update', key: cursorKey(id, cursor.mailbox), update, values };
}

/**
 * The cursor of an item. One of another era is of another login: it says that there was a mailbox, and what it says of
 * places has lost its meaning.
 */
export function cursorOf(item: Item, era: number): Cursor {
  const cursor = unpack(json<Cursor>(item, 'mailboxCursor'));
  if (number(item, 'era') === era) return cursor;
  return cursor.protocol === 'imap' ? { ...cursor, uidValidity: '' } : { ...cursor, listingHash: null };
}
