import { compareTexts } from './attribute-order.ts';

/** A place in a partition: its sort key, and in an index, where that is not unique, the key of the table too. */
export interface Place {
  readonly sort: string;
  /** Tells apart what has the same sort key; empty in the table itself. */
  readonly tie: string;
}

/** Values of one partition in the order of their places. */
export class SortedPartition<Value> {
  readonly #places: Place[] = [];
  readonly #values: Value[] = [];

  get size(): number {
    return this.#values.length;
  }

  get(place: Place): Value | undefined {
    const at = this.#lowerBound(place);
    return this.#isAt(at, place) ? this.#values[at] : undefined;
  }

  set(place: Place, value: Value): void {
    const at = this.#lowerBound(place);
    if (this.#isAt(at, place)) this.#values[at] = value;
    else {
      this.#places.splice(at, 0, place);
      this.#values.splice(at, 0, value);
    }
  }

  delete(place: Place): void {
    const at = this.#lowerBound(place);
    if (!this.#isAt(at, place)) return;
    this.#places.splice(at, 1);
    this.#values.splice(at, 1);
  }

  /** The values with a sort key from `first` to `last`, both included, after the place when there is one; backwards when descending. Nothing must be written while it is read. */
  *range(
    { first, last }: { readonly first: string | null; readonly last: string | null },
    { after, descending }: { readonly after: Place | null; readonly descending: boolean },
  ): Generator<Value> {
    let low = first === null ? 0 : this.#lowerBound({ sort: first, tie: '' });
    let high = last === null ? this.size : this.#upperBound(last);
    if (after !== null) {
      const at = this.#lowerBound(after);
      if (descending) high = Math.min(high, at);
      else low = Math.max(low, at + (this.#isAt(at, after) ? 1 : 0));
    }
    for (let count = 0; count < high - low; count++) {
      const value = this.#values[descending ? high - 1 - count : low + count];
      if (value !== undefined) yield value;
    }
  }

  #lowerBound(place: Place): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#places[middle];
      if (other !== undefined && comparePlaces(other, place) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Behind the last place with this sort key. */
  #upperBound(sort: string): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#places[middle];
      if (other !== undefined && compareTexts(other.sort, sort) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #isAt(at: number, place: Place): boolean {
    const found = this.#places[at];
    return found !== undefined && found.sort === place.sort && found.tie === place.tie;
  }
}

function comparePlaces(a: Place, b: Place): number {
  return compareTexts(a.sort, b.sort) || compareTexts(a.tie, b.tie);
}
