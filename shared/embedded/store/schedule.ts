import { createHash } from 'node:crypto';
import type { AccountId } from '../../identity.ts';
import type { Store } from '../../ports/store.ts';
import type { StoreContext } from './context.ts';

/**
 * The fixed second within its interval at which an account is polled: spread by the hash of its id, so that many accounts
 * of one interval do not come at once. Slots count from 1970, so they do not depend on when mailhook started.
 */
export function slotOffsetSeconds(id: AccountId, intervalSeconds: number): number {
  return createHash('sha256').update(id).digest().readUInt32BE(0) % intervalSeconds;
}

/** The newest slot at or before a time, in ms since 1970. */
export function newestSlotMs(offsetSeconds: number, intervalSeconds: number, nowMs: number): number {
  const intervalMs = intervalSeconds * 1_000;
  const offsetMs = offsetSeconds * 1_000;
  return Math.floor((nowMs - offsetMs) / intervalMs) * intervalMs + offsetMs;
}

/**
 * The ranges of offsets, in seconds, first excluded and last included, that have a slot in `(since, now]`: one, or two where
 * the interval begins anew between them.
 */
export function dueOffsets(
  intervalSeconds: number,
  sinceMs: number,
  nowMs: number,
): readonly { readonly after: number; readonly upTo: number }[] {
  if (nowMs <= sinceMs) return [];
  if (nowMs - sinceMs >= intervalSeconds * 1_000) return [{ after: -1, upTo: intervalSeconds }];
  const after = (sinceMs / 1_000) % intervalSeconds;
  const upTo = (nowMs / 1_000) % intervalSeconds;
  if (after < upTo) return [{ after, upTo }];
  return [
    { after, upTo: intervalSeconds },
    { after: -1, upTo },
  ];
}

interface DueRow {
  readonly id: AccountId;
  readonly host: string;
  readonly slot_offset: number;
}

/** The part of the store that knows when accounts are to be polled. */
export function createSchedule({ database }: StoreContext): Pick<Store, 'dueAccounts'> {
  /** One step of a walk over the intervals there are, so that a tick looks at no account whose slot did not come. */
  const nextInterval = (above: number) =>
    database.get<{ interval_seconds: number | null }>(
      `SELECT min(interval_seconds) AS interval_seconds FROM accounts
       WHERE state = 'active' AND interval_seconds > ?`,
      above,
    )?.interval_seconds ?? null;

  return {
    async *dueAccounts(since, now) {
      const sinceMs = since.getTime();
      const nowMs = now.getTime();
      for (let seconds = nextInterval(0); seconds !== null; seconds = nextInterval(seconds)) {
        for (const { after, upTo } of dueOffsets(seconds, sinceMs, nowMs)) {
          const rows = database.all<DueRow>(
            `SELECT id, host, slot_offset FROM accounts INDEXED BY accounts_wheel
             WHERE state = 'active' AND interval_seconds = ? AND slot_offset > ? AND slot_offset <= ?`,
            seconds,
            after,
            upTo,
          );
          for (const { id, host, slot_offset } of rows) {
            yield { id, host, slot: new Date(newestSlotMs(slot_offset, seconds, nowMs)) };
          }
        }
      }
    },
  };
}
