import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../ports/clock.ts';
import type { PackLookup } from '../blob-rows.ts';
import type { Database } from '../database.ts';
import type { GroupCommit } from '../group-commit.ts';

/** What the parts of the store work with. */
export interface StoreContext {
  readonly database: Database;
  readonly writer: GroupCommit;
  readonly packs: PackLookup;
  /** For what is shown, not for what is decided: every method that decides is told the time. */
  readonly clock: Clock;
}

/** What is due and was handed out is due again after this long, in case the hint was lost. */
export const HINT_MS = 120_000;

/** Lets everything else run that waits, in the middle of a long read. */
export async function nextTurn(): Promise<void> {
  await setImmediate();
}

/** Milliseconds since 1970 as the ISO 8601 text of the domain. */
export function isoOf(timeMs: number): string;
export function isoOf(timeMs: number | null): string | null;
export function isoOf(timeMs: number | null): string | null {
  return timeMs === null ? null : new Date(timeMs).toISOString();
}

/** The milliseconds of an ISO 8601 text; throws RangeError when it is none. */
export function msOf(iso: string): number;
export function msOf(iso: string | null): number | null;
export function msOf(iso: string | null): number | null {
  if (iso === null) return null;
  const timeMs = Date.parse(iso);
  if (Number.isNaN(timeMs)) throw new RangeError(`Cannot read the time "${iso}": give ISO 8601`);
  return timeMs;
}

/** The form of a name under which it may be given only once: case does not tell names apart. */
export function nameKeyOf(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
