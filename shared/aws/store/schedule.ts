import { createHash } from 'node:crypto';
import type { AccountId } from '../../identity.ts';

/**
 * The interval classes of the wheel, in minutes. Each divides a day, and so the slots of a class come at the same minutes of
 * every day.
 */
export const INTERVAL_CLASSES: readonly number[] = [1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 240, 360, 720, 1440];

const LONGEST_CLASS = 1440;
const MINUTE_MS = 60_000;

/** Slots of one class, first and last included, and the minute (since 1970) of the newest time of the last one. */
interface DueSlots {
  readonly first: number;
  readonly last: number;
  readonly lastMinute: number;
}

/** The class of an interval: the next longer one, in minutes; the longest for what is longer than a day. */
export function intervalClass(intervalSeconds: number): number {
  return INTERVAL_CLASSES.find((minutes) => minutes * 60 >= intervalSeconds) ?? LONGEST_CLASS;
}

/**
 * The minute within its class at which an account is polled: spread by the hash of its id, so that many accounts of one class
 * do not come at once. Slots count from 1970, so they do not depend on when the stack was deployed.
 */
export function slotOf(id: AccountId, classMinutes: number): number {
  return createHash('sha256').update(id).digest().readUInt32BE(0) % classMinutes;
}

/**
 * The slots of a class whose time, a full minute, is in `(since, now]`: none, one range, or two where the class begins anew
 * between them. However long ago `since` is, each slot comes once, with its newest time.
 */
export function dueSlots(classMinutes: number, sinceMs: number, nowMs: number): readonly DueSlots[] {
  const lastMinute = Math.floor(nowMs / MINUTE_MS);
  const firstMinute = Math.max(Math.floor(sinceMs / MINUTE_MS) + 1, lastMinute - classMinutes + 1);
  if (firstMinute > lastMinute) return [];
  const first = firstMinute % classMinutes;
  const last = lastMinute % classMinutes;
  if (first <= last) return [{ first, last, lastMinute }];
  return [
    { first, last: classMinutes - 1, lastMinute: lastMinute - last - 1 },
    { first: 0, last, lastMinute },
  ];
}

/** The time of a slot of a range. */
export function slotTime({ last, lastMinute }: DueSlots, slot: number): Date {
  return new Date((lastMinute - (last - slot)) * MINUTE_MS);
}
