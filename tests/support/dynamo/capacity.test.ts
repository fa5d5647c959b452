import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { readCost, sumCosts, writeCost } from './capacity.ts';
import { type Item, itemSize, valueSize } from './item-size.ts';
import { INDEXES } from './memory-table.ts';

const KEY = { pk: { S: 'p' }, sk: { S: 's' } };
/** An item of exactly so many bytes. */
function itemOf(bytes: number, more: Item = {}): Item {
  const rest = { ...KEY, ...more, note: { S: '' } };
  return { ...rest, note: { S: 'x'.repeat(bytes - itemSize(rest)) } };
}

describe('valueSize()', () => {
  it.each<[AttributeValue, number]>([
    [{ S: 'abc' }, 3],
    [{ S: 'ü😀' }, 6],
    [{ B: new Uint8Array(7) }, 7],
    [{ N: '0' }, 1],
    [{ N: '1' }, 2],
    [{ N: '12' }, 2],
    [{ N: '123' }, 3],
    [{ N: '-1' }, 3],
    [{ N: '1000' }, 2],
    [{ N: '100' }, 2],
    [{ N: '0.5' }, 2],
    [{ N: '12.5' }, 3],
    [{ N: '1732521600123' }, 8],
    [{ NULL: true }, 1],
    [{ BOOL: false }, 1],
  ])('of %j is %i bytes', (value, bytes) => {
    expect(valueSize(value)).toBe(bytes);
  });

  it('of what nobody uses is not guessed', () => {
    expect(() => valueSize({ SS: ['a'] })).toThrow('SS');
  });
});

describe('a read', () => {
  it.each([
    [0, true, 1],
    [4_096, true, 1],
    [4_097, true, 2],
    [0, false, 0.5],
    [4_097, false, 1],
    [1_048_576, true, 256],
  ])('of %i bytes, consistent %s, is %d units', (bytes, consistent, units) => {
    expect(readCost(bytes, consistent).readUnits).toBe(units);
  });
});

describe('a write', () => {
  const table = { indexes: [] };

  it('is a unit for each kilobyte of the larger of the item before and after it', () => {
    expect(writeCost(null, itemOf(1_024), table).writeUnits).toBe(1);
    expect(writeCost(null, itemOf(1_025), table).writeUnits).toBe(2);
    expect(writeCost(itemOf(5_000), itemOf(100), table).writeUnits).toBe(5);
    expect(writeCost(itemOf(5_000), null, table).writeUnits).toBe(5);
    expect(writeCost(null, null, table).writeUnits).toBe(1);
  });

  it('in a transaction is twice as much', () => {
    expect(writeCost(null, itemOf(1_025), { ...table, transactional: true }).writeUnits).toBe(4);
  });

  const due = { gsi1pk: { S: 'due#0' }, gsi1sk: { S: '2026' } };
  const moved = { gsi1pk: { S: 'due#0' }, gsi1sk: { S: '2027' } };
  it.each<[string, Item | null, Item | null, number]>([
    ['that comes', null, itemOf(900, due), 1],
    ['that goes', itemOf(900, due), null, 1],
    ['that moves', itemOf(900, due), itemOf(900, moved), 2],
    ['that stays, whatever else changes', itemOf(900, due), itemOf(950, due), 0],
    [
      'whose projected attribute changes',
      itemOf(900, due),
      itemOf(900, { ...due, itemState: { S: 'a' } }),
      1,
    ],
    ['that has half a key', null, itemOf(900, { gsi1pk: { S: 'due#0' } }), 0],
  ])('costs for an entry of an index %s', (_, before, after, units) => {
    const cost = writeCost(before, after, { indexes: INDEXES, transactional: true });
    expect(cost.indexWriteUnits).toEqual(units === 0 ? {} : { GSI1: units });
  });

  it('adds up with others, index by index', () => {
    const one = writeCost(null, itemOf(900, due), { indexes: INDEXES });
    expect(sumCosts([one, one, readCost(0, false)])).toEqual({
      ...{ readUnits: 0.5, writeUnits: 2, indexWriteUnits: { GSI1: 2 } },
    });
  });
});
