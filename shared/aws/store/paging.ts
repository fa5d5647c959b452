import type { PageRequest } from '../../ports/lists.ts';

/** Which list a cursor belongs to: that of another list is none of ours. */
export type ListLetter = 'a' | 'w' | 'm' | 'd' | 'g';

/** More items than this are not given at once, whatever is asked for. */
const MAX_PAGE = 1_000;
/** Longer than any place of ours. */
const MAX_CURSOR_CHARS = 200;

/** The opaque text of the place after which the next page begins. Items added meanwhile do not move it. */
export function cursorOf(list: ListLetter, place: string): string {
  return `${list}${Buffer.from(place, 'utf8').toString('base64url')}`;
}

/** The place of a cursor; null for none and for one that is not of this list. */
export function placeOf(list: ListLetter, cursor: string | null, form: RegExp): string | null {
  if (cursor === null || cursor.length > MAX_CURSOR_CHARS || !cursor.startsWith(list)) return null;
  const place = Buffer.from(cursor.slice(1), 'base64url').toString('utf8');
  return form.test(place) && cursorOf(list, place) === cursor ? place : null;
}

/** How many items a page holds. */
export function limitOf(page: PageRequest): number {
  return Math.max(1, Math.min(MAX_PAGE, Math.floor(page.limit)));
}
