import type { Cursor, Listed } from '../../shared/ports/mail-source.ts';

/** What a listing came to: which messages are to be fetched, and what to remember once they are dealt with. */
export interface Survey {
  /** Messages that the cursor did not cover. */
  readonly listed: number;
  /** Of these, the unknown ones, in the order to fetch them. */
  readonly fresh: readonly Listed[];
  /** Whether continuity broke, and so all that was known had to be found again. */
  readonly reset: boolean;
  /** The cursor when the first messages of `fresh` are dealt with; null where it can only move when all are. */
  partial(done: readonly Listed[]): Cursor | null;
  /** The cursor when all of `fresh` is dealt with; null when it stays as it is. */
  complete(): Promise<Cursor | null>;
}
