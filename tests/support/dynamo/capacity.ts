import type { IndexShape } from '../../../shared/aws/store/table.ts';
import { type Item, itemSize } from './item-size.ts';

const WRITE_UNIT_BYTES = 1_024;
const READ_UNIT_BYTES = 4_096;

/** What a request costs, in request units, by where they are spent. */
export interface Cost {
  readonly readUnits: number;
  /** Of the table. */
  readonly writeUnits: number;
  /** Of each index, by its name. */
  readonly indexWriteUnits: Readonly<Record<string, number>>;
}

export const FREE: Cost = { readUnits: 0, writeUnits: 0, indexWriteUnits: {} };

/** The sum of costs. */
export function sumCosts(costs: readonly Cost[]): Cost {
  const indexWriteUnits: Record<string, number> = {};
  let readUnits = 0;
  let writeUnits = 0;
  for (const cost of costs) {
    readUnits += cost.readUnits;
    writeUnits += cost.writeUnits;
    for (const [name, units] of Object.entries(cost.indexWriteUnits)) {
      indexWriteUnits[name] = (indexWriteUnits[name] ?? 0) + units;
    }
  }
  return { readUnits, writeUnits, indexWriteUnits };
}

/** A read of so many bytes: 4 KB a unit, at least one, half of it when it may be stale. */
export function readCost(bytes: number, consistent: boolean): Cost {
  const units = Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES));
  return { ...FREE, readUnits: consistent ? units : units / 2 };
}

/**
 * A write: 1 KB a unit, at least one, of the larger of the item before and after it; twice that in a transaction. The indexes
 * follow by themselves and cost the same either way. A write that was refused costs as if it had been done, but for the
 * indexes, which did not change.
 */
export function writeCost(
  before: Item | null,
  after: Item | null,
  { indexes, transactional = false }: { indexes: readonly IndexShape[]; transactional?: boolean },
): Cost {
  const bytes = Math.max(sizeOf(before), sizeOf(after));
  const units = writeUnits(bytes) * (transactional ? 2 : 1);
  const indexWriteUnits: Record<string, number> = {};
  for (const index of indexes) {
    const indexUnits = indexCost(entryOf(index, before), entryOf(index, after), index);
    if (indexUnits > 0) indexWriteUnits[index.name] = indexUnits;
  }
  return { readUnits: 0, writeUnits: units, indexWriteUnits };
}

/** What an index holds of an item; null when the item has not the whole key of the index. */
export function entryOf(index: IndexShape, item: Item | null): Item | null {
  if (item?.[index.partition] === undefined || item[index.sort] === undefined) return null;
  const names = ['pk', 'sk', index.partition, index.sort, ...index.include];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = item[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** One write for an entry that comes, goes or changes, two for one that moves, none for one that stays. */
function indexCost(before: Item | null, after: Item | null, { partition, sort }: IndexShape): number {
  if (before === null || after === null) {
    const only = before ?? after;
    return only === null ? 0 : writeUnits(itemSize(only));
  }
  const moves = before[partition]?.S !== after[partition]?.S || before[sort]?.S !== after[sort]?.S;
  if (moves) return writeUnits(itemSize(before)) + writeUnits(itemSize(after));
  if (JSON.stringify(before) === JSON.stringify(after)) return 0;
  return writeUnits(Math.max(itemSize(before), itemSize(after)));
}

function writeUnits(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / WRITE_UNIT_BYTES));
}

function sizeOf(item: Item | null): number {
  return item === null ? 0 : itemSize(item);
}
