import { compareTexts } from './attribute-order.ts';

/** A place in a partition: its sort key, and in an index, where that is not unique, the key of the table too. */
export interface Place {
  readonly sort: string;
  /** Tells apart what has the same sort key; empty in the table itself. */
  readonly tie: string;
}

interface Entry<Value> {
  readonly place: Place;
  readonly value: Value;
}

/** Behind everything with the same sort key. */
const LAST_TIE = '\uffff';
/** A chunk that grows beyond it is split: to move a hundred thousand entries for each new one takes too long. */
const MAX_CHUNK = 256;

/** Values of one partition in the order of their places, in chunks of a few hundred. */
export class SortedPartition<Value> {
  readonly #chunks: Entry<Value>[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(place: Place): Value | undefined {
    const { entries, at } = this.#find(place);
    const found = entries[at];
    return found !== undefined && comparePlaces(found.place, place) === 0 ? found.value : undefined;
  }

  set(place: Place, value: Value): void {
    const { chunk, entries, at } = this.#find(place);
    const found = entries[at];
    if (found !== undefined && comparePlaces(found.place, place) === 0) {
      entries[at] = { place, value };
      return;
    }
    entries.splice(at, 0, { place, value });
    this.#size += 1;
    if (this.#chunks.length === 0) this.#chunks.push(entries);
    // What comes in order fills its chunks; what does not is split in the middle.
    const half = at === entries.length - 1 ? MAX_CHUNK : MAX_CHUNK / 2;
    if (entries.length > MAX_CHUNK) this.#chunks.splice(chunk + 1, 0, entries.splice(half));
  }

  delete(place: Place): void {
    const { chunk, entries, at } = this.#find(place);
    const found = entries[at];
    if (found === undefined || comparePlaces(found.place, place) !== 0) return;
    entries.splice(at, 1);
    this.#size -= 1;
    if (entries.length === 0) this.#chunks.splice(chunk, 1);
  }

  /** The values with a sort key from `first` to `last`, both included, after the place when there is one; backwards when descending. Nothing must be written while it is read. */
  *range(
    { first, last }: { readonly first: string | null; readonly last: string | null },
    { after, descending }: { readonly after: Place | null; readonly descending: boolean },
  ): Generator<Value> {
    const isAfter = ({ place }: Entry<Value>) =>
      after === null || Math.sign(comparePlaces(place, after)) === (descending ? -1 : 1);
    const entries = descending
      ? this.#backwards(after ?? highest(last))
      : this.#forwards(after ?? { sort: first ?? '', tie: '' });
    for (const entry of entries) {
      const { sort } = entry.place;
      if (descending && first !== null && compareTexts(sort, first) < 0) return;
      if (!descending && last !== null && compareTexts(sort, last) > 0) return;
      const isWithin =
        (first === null || compareTexts(sort, first) >= 0) &&
        (last === null || compareTexts(sort, last) <= 0);
      if (isWithin && isAfter(entry)) yield entry.value;
    }
  }

  /** From a place on, which may be there itself. */
  *#forwards(place: Place): Generator<Entry<Value>> {
    let { chunk, at } = this.#find(place);
    for (; chunk < this.#chunks.length; chunk++, at = 0) {
      const entries = this.#chunks[chunk] ?? [];
      for (; at < entries.length; at++) yield entries[at] as Entry<Value>;
    }
  }

  /** From a place downwards, which may be there itself; from the end for null. */
  *#backwards(place: Place | null): Generator<Entry<Value>> {
    const last = this.#chunks.length - 1;
    const found = place === null ? { chunk: last, at: Number.POSITIVE_INFINITY } : this.#find(place);
    for (let { chunk, at } = found; chunk >= 0; chunk--, at = Number.POSITIVE_INFINITY) {
      const entries = this.#chunks[chunk] ?? [];
      for (let one = Math.min(at, entries.length - 1); one >= 0; one--) yield entries[one] as Entry<Value>;
    }
  }

  /** Where a place is, or would be. */
  #find(place: Place): { chunk: number; entries: Entry<Value>[]; at: number } {
    const chunk = Math.min(
      firstIndex(this.#chunks, (entries) => isAtOrBehind(entries.at(-1), place)),
      Math.max(0, this.#chunks.length - 1),
    );
    const entries = this.#chunks[chunk] ?? [];
    return { chunk, entries, at: firstIndex(entries, (entry) => isAtOrBehind(entry, place)) };
  }
}

function isAtOrBehind(entry: Entry<unknown> | undefined, place: Place): boolean {
  return entry !== undefined && comparePlaces(entry.place, place) >= 0;
}

/** The first index for which it holds, in a list in which it holds from some index on; the length when it never does. */
function firstIndex<Item>(list: readonly Item[], holds: (item: Item) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(list[middle] as Item)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function highest(last: string | null): Place | null {
  return last === null ? null : { sort: last, tie: LAST_TIE };
}

function comparePlaces(a: Place, b: Place): number {
  return compareTexts(a.sort, b.sort) || compareTexts(a.tie, b.tie);
}
