import type { SQLInputValue } from 'node:sqlite';
import type { Database } from '../database.ts';
import { nextTurn } from './context.ts';
import { type ListLetter, placeOf } from './paging.ts';

/** Rows looked at before others have their turn. */
const SLICE_ROWS = 1_000;

/** What every row that is looked at has. */
export interface Scanned {
  readonly seq: number;
  /** What the list is ordered by, in ms since 1970. */
  readonly time_ms: number;
}

/** Which rows to look at, and which of them are wanted. */
interface ScanRequest<Row extends Scanned> {
  readonly list: ListLetter;
  /** `SELECT seq, … AS time_ms, … FROM table`. */
  readonly select: string;
  /** The column behind `time_ms`. */
  readonly time: string;
  readonly index: string;
  readonly where: string;
  readonly parameters: readonly SQLInputValue[];
  readonly sinceMs: number | null;
  /** A cursor; one that is not of this list begins at the newest row. */
  readonly after: string | null;
  readonly matches: (row: Row) => boolean;
  /** So many are enough. */
  readonly count: number;
}

/**
 * Newest first, the rows of a range that match: slice by slice, because of a filter without an index of its own a
 * hundred thousand rows may be looked at for one.
 */
export async function scan<Row extends Scanned>(
  database: Database,
  request: ScanRequest<Row>,
): Promise<Row[]> {
  const found: Row[] = [];
  let place = placeOf(request.list, request.after);
  let slice = Math.min(request.count, SLICE_ROWS);
  for (;;) {
    const rows = database.all<Row>(
      `${request.select} INDEXED BY ${request.index}
       WHERE ${request.where} AND ${request.time} >= ? AND (${request.time}, seq) < (?, ?)
       ORDER BY ${request.time} DESC, seq DESC LIMIT ?`,
      ...request.parameters,
      request.sinceMs ?? 0,
      place?.timeMs ?? Number.MAX_SAFE_INTEGER,
      place?.seq ?? Number.MAX_SAFE_INTEGER,
      slice,
    );
    for (const row of rows) if (found.length < request.count && request.matches(row)) found.push(row);
    const last = rows.at(-1);
    if (found.length >= request.count || last === undefined || rows.length < slice) return found;
    place = { timeMs: last.time_ms, seq: last.seq };
    slice = SLICE_ROWS;
    await nextTurn();
  }
}
