import type { PageRequest } from '../../ports/lists.ts';

/** A place in a list: the row after which the next page begins. Rows added meanwhile do not move it. */
interface Place {
  readonly timeMs: number;
  readonly seq: number;
}

/** Which list a cursor belongs to: that of another list is none of ours. */
export type ListLetter = 'a' | 'w' | 'm' | 'd' | 'g';

/** More rows than this are not given at once, whatever is asked for. */
const MAX_PAGE = 1_000;

/** The opaque text of a place. */
export function cursorOf(list: ListLetter, place: Place): string {
  return `${list}${place.timeMs.toString(36)}.${place.seq.toString(36)}`;
}

/** The place of a cursor; null for none and for one that is not of this list. */
export function placeOf(list: ListLetter, cursor: string | null): Place | null {
  const match = /^([awmdg])([0-9a-z]{1,11})\.([0-9a-z]{1,11})$/.exec(cursor ?? '');
  if (match?.[1] !== list) return null;
  const timeMs = Number.parseInt(match[2] ?? '', 36);
  const seq = Number.parseInt(match[3] ?? '', 36);
  return Number.isSafeInteger(timeMs) && Number.isSafeInteger(seq) ? { timeMs, seq } : null;
}

/** How many rows a page holds. */
export function limitOf(page: PageRequest): number {
  return Math.max(1, Math.min(MAX_PAGE, Math.floor(page.limit)));
}
