import { createHash } from 'node:crypto';
import type { AccountId } from '../../shared/identity.ts';
import type { Listed } from '../../shared/ports/mail-source.ts';

/**
 * The UIDLs of a maildrop that are known for good. An immutable blob: a poll that commits messages writes none, because
 * the event records say what came since; it is written anew only now and then (see `ledgerIsStale`).
 */
export interface Ledger {
  readonly writtenAt: Date;
  /** By entry key, in the order of the listing it was made from: the size in bytes, null when the server gave none. */
  readonly present: ReadonlyMap<string, number | null>;
  /** By entry key, UIDLs that a complete listing no longer showed: the day (since 1970, UTC) it was first missed. */
  readonly absent: ReadonlyMap<string, number>;
}

const MAGIC = 0x6d686c31; // "mhl1"
const HEADER_BYTES = 20;
const KEY_BYTES = 16;
const ENTRY_BYTES = KEY_BYTES + 4;
const NO_SIZE = 0xffffffff;
const DAY_MS = 86_400_000;

/** A UIDL that was absent this long is forgotten: some servers hide messages for 30 days and show them again. */
const FORGET_ABSENT_DAYS = 35;
/** So many known messages outside the ledger, or one so old, are worth a new one. */
const MAX_OUTSIDE = 100;
const MAX_AGE_MS = 7 * DAY_MS;

/** The ledger of a maildrop of which nothing is known. */
export const EMPTY_LEDGER: Ledger = { writtenAt: new Date(0), present: new Map(), absent: new Map() };

/**
 * The key of a UIDL: 16 bytes of SHA-256, one character each. The login is part of it, so that after a change of server
 * an equal UIDL is not taken for the old message.
 */
export function ledgerKey(loginId: AccountId, uidl: string): string {
  return createHash('sha256').update(`${loginId}\0${uidl}`).digest().toString('latin1', 0, KEY_BYTES);
}

/** The key of a listed POP3 message. */
export function keyOf(loginId: AccountId, item: Listed): string {
  return ledgerKey(loginId, item.source.protocol === 'pop3' ? item.source.uidl : '');
}

/** A ledger with just these messages. */
export function ledgerOf(loginId: AccountId, items: readonly Listed[], now: Date): Ledger {
  return {
    writtenAt: now,
    present: new Map(items.map((item) => [keyOf(loginId, item), item.sizeBytes])),
    absent: new Map(),
  };
}

/** The ledger after a complete listing all of which is known: what it no longer shows becomes absent, or is forgotten. */
export function nextLedger(before: Ledger, loginId: AccountId, items: readonly Listed[], now: Date): Ledger {
  const { present } = ledgerOf(loginId, items, now);
  const today = Math.floor(now.getTime() / DAY_MS);
  const absent = new Map<string, number>();
  for (const [key, since] of before.absent) {
    if (!present.has(key) && today - since < FORGET_ABSENT_DAYS) absent.set(key, since);
  }
  for (const key of before.present.keys()) if (!present.has(key)) absent.set(key, today);
  return { writtenAt: now, present, absent };
}

/**
 * Whether it is time for a new ledger: enough is known outside of it, something known is outside of it and it is old
 * (POP3 events expire only once a ledger has their UIDL), or messages it has are gone.
 */
export function ledgerIsStale(
  ledger: Ledger,
  counts: { readonly outside: number; readonly vanished: number },
  now: Date,
): boolean {
  if (counts.vanished > 0 || counts.outside > MAX_OUTSIDE) return true;
  return counts.outside > 0 && now.getTime() - ledger.writtenAt.getTime() > MAX_AGE_MS;
}

/**
 * The blob: a 20-byte header (magic u32, time in ms as u64, counts of the present and of the absent
 * as u32), then 20-byte entries: 16 key, 4 size for the present ones in wire order, 4 day for the absent ones.
 */
export function encodeLedger(ledger: Ledger): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + ENTRY_BYTES * (ledger.present.size + ledger.absent.size));
  let at = buffer.writeUInt32BE(MAGIC, 0);
  at = buffer.writeBigUInt64BE(BigInt(ledger.writtenAt.getTime()), at);
  at = buffer.writeUInt32BE(ledger.present.size, at);
  at = buffer.writeUInt32BE(ledger.absent.size, at);
  const write = (key: string, value: number) => {
    at += buffer.write(key, at, KEY_BYTES, 'latin1');
    at = buffer.writeUInt32BE(value, at);
  };
  for (const [key, size] of ledger.present) write(key, Math.min(size ?? NO_SIZE, NO_SIZE));
  for (const [key, day] of ledger.absent) write(key, day);
  return buffer;
}

/** Reads what `encodeLedger` wrote; throws RangeError when the bytes are anything else. */
export function decodeLedger(bytes: Uint8Array): Ledger {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < HEADER_BYTES || buffer.readUInt32BE(0) !== MAGIC) {
    throw new RangeError(`Cannot read a ledger blob of ${buffer.length} bytes: it does not begin like one`);
  }
  const presentCount = buffer.readUInt32BE(12);
  const absentCount = buffer.readUInt32BE(16);
  if (buffer.length !== HEADER_BYTES + ENTRY_BYTES * (presentCount + absentCount)) {
    throw new RangeError(
      `Cannot read a ledger blob of ${buffer.length} bytes: its counts do not fit its length`,
    );
  }
  const present = new Map<string, number | null>();
  const absent = new Map<string, number>();
  for (let index = 0; index < presentCount + absentCount; index++) {
    const at = HEADER_BYTES + ENTRY_BYTES * index;
    const key = buffer.toString('latin1', at, at + KEY_BYTES);
    const value = buffer.readUInt32BE(at + KEY_BYTES);
    if (index < presentCount) present.set(key, value === NO_SIZE ? null : value);
    else absent.set(key, value);
  }
  return { writtenAt: new Date(Number(buffer.readBigUInt64BE(4))), present, absent };
}
