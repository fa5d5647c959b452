import type { Clock } from '../../ports/clock.ts';
import type { Table } from './requests.ts';

/** How long what is no longer needed is kept, in days. */
export interface Retention {
  /** Events and their deliveries, from their end. */
  readonly endedDays: number;
  /** Deliveries behind a closed gate; then they are cancelled. */
  readonly parkedDays: number;
  /** The bytes of messages, from when they came; the bucket's rules delete them. */
  readonly blobDays: number;
}

/** What the parts of the store work with. */
export interface StoreContext extends Table {
  /** For what is shown, not for what is decided: every method that decides is told the time. */
  readonly clock: Clock;
  readonly retention: Retention;
}

/** What is due and was handed out is due again after this long, in case the hint was lost. */
export const HINT_MS = 120_000;

/**
 * What an index shows is as old as its lag, a second as a rule. So long nothing that was announced is taken to be absent
 * because the index does not show it.
 */
export const INDEX_LAG_MS = 900_000;

/** Requests for single items under way at once for one call. */
export const AT_ONCE = 16;

export const DAY_MS = 86_400_000;

/** The ISO 8601 text of a time, whose order is that of the times. */
export function isoOf(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** The day of a time, `YYYY-MM-DD`. */
export function dayOf(time: string): string {
  return time.slice(0, 10);
}

/** The form of a name under which it may be given only once: case does not tell names apart. */
export function nameKeyOf(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
