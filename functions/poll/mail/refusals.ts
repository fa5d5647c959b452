/** Messages in a row that the server refuses to hand out before it is asked whether the fault is its own. */
export const MAX_REFUSALS_IN_A_ROW = 5;
/** Where the server is well, the next run may be twice as long, up to this: it may fall ill at any time. */
const LONGEST_RUN = 40;
/** Other messages that are tried before the fault is taken to be the server's. */
export const MAX_PROBES = 8;

/**
 * Counts the messages that a server refuses one after the other. A long run means an outage, which must not use up the tries
 * of every message, or so many unreadable messages, which must not stand in the way of those behind them. Whoever counts finds
 * out which by asking for other messages.
 */
export class RefusalRun {
  #length = 0;
  #longest = MAX_REFUSALS_IN_A_ROW;

  /** Ends the run: a message was handed out. */
  end(): void {
    this.#length = 0;
  }

  /** Counts one more refusal; true when the run is so long that the server is in doubt. */
  isDoubtful(): boolean {
    this.#length += 1;
    return this.#length >= this.#longest;
  }

  /** Ends the run: other messages are handed out, so the fault lies with those of the run. */
  acquit(): void {
    this.#length = 0;
    this.#longest = Math.min(LONGEST_RUN, this.#longest * 2);
  }
}

/** At most so many of the items, the last and the first of them and others evenly between. */
export function spread<Item>(items: readonly Item[], most: number): Item[] {
  if (items.length <= most) return items.toReversed();
  const step = (items.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, index) => items[Math.round((most - 1 - index) * step)]).filter(
    (item) => item !== undefined,
  );
}
