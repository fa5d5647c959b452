import { type IndexShape, LIST_INDEX, TABLE_KEY, WORK_INDEX } from '../../../shared/aws/store/table.ts';
import { entryOf } from './capacity.ts';
import { type Item, itemSize } from './item-size.ts';
import { type Place, SortedPartition } from './sorted-partition.ts';
import { validationError } from './validation-error.ts';

/** The indexes of the table. */
export const INDEXES: readonly IndexShape[] = [WORK_INDEX, LIST_INDEX];

const MAX_ITEM_BYTES = 409_600;
const MAX_PARTITION_KEY_BYTES = 2_048;
const MAX_SORT_KEY_BYTES = 1_024;

type Partitions = Map<string, SortedPartition<Item>>;

/** The items of the table, and of each index what it holds of them: like the real ones, but that an index never lags. */
export class MemoryTable {
  readonly #items: Partitions = new Map();
  readonly #entries: ReadonlyMap<string, Partitions> = new Map(INDEXES.map(({ name }) => [name, new Map()]));

  get(key: Item): Item | null {
    const { pk, sk } = keyOf(key);
    return this.#items.get(pk)?.get({ sort: sk, tie: '' }) ?? null;
  }

  /** Replaces an item, or with null removes it. Throws what DynamoDB throws for an item that cannot be. */
  write(key: Item, before: Item | null, after: Item | null): void {
    const { pk, sk } = keyOf(key);
    put(this.#items, pk, { sort: sk, tie: '' }, after === null ? null : Object.freeze(after));
    for (const index of INDEXES) {
      const partitions = this.#entries.get(index.name) ?? new Map();
      const [old, entry] = [entryOf(index, before), entryOf(index, after)];
      if (old !== null) put(partitions, textOf(old, index.partition), indexPlace(index, old), null);
      if (entry !== null) put(partitions, textOf(entry, index.partition), indexPlace(index, entry), entry);
    }
  }

  /** A partition of the table, or of an index. */
  partition(index: IndexShape | null, key: string): SortedPartition<Item> | undefined {
    return (index === null ? this.#items : this.#entries.get(index.name))?.get(key);
  }

  /** All items, for a test to look at. */
  *all(): Generator<Item> {
    for (const partition of this.#items.values()) {
      yield* partition.range({ first: null, last: null }, { after: null, descending: false });
    }
  }
}

/** The place of an item in its partition of the table or of an index. */
export function placeOf(index: IndexShape | null, item: Item): Place {
  return index === null ? { sort: keyOf(item).sk, tie: '' } : indexPlace(index, item);
}

/** The table's key of an item. Throws what DynamoDB throws for one that is none. */
export function keyOf(item: Item): { readonly pk: string; readonly sk: string } {
  const pk = item[TABLE_KEY.partition]?.S;
  const sk = item[TABLE_KEY.sort]?.S;
  if (
    pk !== undefined &&
    sk !== undefined &&
    isKey(pk, MAX_PARTITION_KEY_BYTES) &&
    isKey(sk, MAX_SORT_KEY_BYTES)
  ) {
    return { pk, sk };
  }
  throw validationError('One of the required keys was not given a value, or one that no key can have');
}

/** Throws what DynamoDB throws for an item that is too large, or whose index keys are none. */
export function checkItem(item: Item): void {
  keyOf(item);
  for (const { partition, sort } of INDEXES) {
    for (const [name, maxBytes] of [
      [partition, MAX_PARTITION_KEY_BYTES],
      [sort, MAX_SORT_KEY_BYTES],
    ] as const) {
      const value = item[name];
      if (value !== undefined && (value.S === undefined || !isKey(value.S, maxBytes))) {
        throw validationError(`Type mismatch, empty or too long: the index key ${name}`);
      }
    }
  }
  if (itemSize(item) > MAX_ITEM_BYTES) {
    throw validationError('Item size has exceeded the maximum allowed size');
  }
}

function isKey(text: string, maxBytes: number): boolean {
  return text !== '' && Buffer.byteLength(text, 'utf8') <= maxBytes;
}

function indexPlace(index: IndexShape, entry: Item): Place {
  const { pk, sk } = keyOf(entry);
  return { sort: textOf(entry, index.sort), tie: `${pk}\0${sk}` };
}

function textOf(item: Item, name: string): string {
  return item[name]?.S ?? '';
}

function put(partitions: Partitions, key: string, place: Place, value: Item | null): void {
  const partition = partitions.get(key) ?? new SortedPartition<Item>();
  if (value === null) partition.delete(place);
  else partition.set(place, value);
  if (partition.size === 0) partitions.delete(key);
  else partitions.set(key, partition);
}
