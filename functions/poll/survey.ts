import { eventIdOf } from '../../shared/identity.ts';
import type { Cursor, Listed } from '../../shared/ports/mail-source.ts';
import type { PollDeps, PollSession } from './deps.ts';
import type { Waiting } from './gaps.ts';

/** Event records are asked for in slices, so that a listing of 100,000 is not one request. */
const KNOWN_SLICE = 1000;

/** What a listing came to: which messages are to be fetched, and what to remember once they are dealt with. */
export interface Survey {
  /** Messages that the cursor did not cover. */
  readonly listed: number;
  /** Of these, the unknown ones that do not wait as gaps already, in the order to fetch them. */
  readonly fresh: readonly Listed[];
  /** Whether continuity broke, and so all that was known had to be found again. */
  readonly reset: boolean;
  /** The gaps that mean no message any more: their place was that of another numbering. */
  readonly voided: readonly Waiting[];
  /** The cursor when the first messages of `fresh` are dealt with; null where it can only move when all are. */
  partial(done: readonly Listed[]): Cursor | null;
  /** The cursor when all of `fresh` is dealt with, of which `failed` wait as gaps from now on; null when it stays as it is. */
  complete(failed: readonly Listed[]): Promise<Cursor | null>;
}

/** Leaves out the messages that have an event: a poll that was cut off committed them before it saved its cursor. */
export async function withoutKnown(
  deps: PollDeps,
  session: PollSession,
  items: readonly Listed[],
): Promise<Listed[]> {
  const unknown: Listed[] = [];
  for (let at = 0; at < items.length; at += KNOWN_SLICE) {
    const slice = items.slice(at, at + KNOWN_SLICE);
    const ids = slice.map((item) => eventIdOf(session.account.loginId, item.source));
    const known = await deps.store.known(ids);
    slice.forEach((item, index) => {
      const id = ids[index];
      if (id !== undefined && !known.has(id)) unknown.push(item);
    });
  }
  return unknown;
}
