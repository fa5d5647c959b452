import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareTexts } from './attribute-order.ts';
import { type Place, SortedPartition } from './sorted-partition.ts';

const text = fc.constantFrom('a', 'b', 'ba', 'c', 'd', 'ä', '\uffe5', '\u{1f600}');
const place: fc.Arbitrary<Place> = fc.record({ sort: text, tie: fc.nat(999).map(String) });
const range = fc.record({
  bounds: fc.record({ first: fc.option(text), last: fc.option(text) }),
  after: fc.option(place),
  descending: fc.boolean(),
});

function inOrder(places: Iterable<Place>): Place[] {
  return [...places].sort((a, b) => compareTexts(a.sort, b.sort) || compareTexts(a.tie, b.tie));
}

describe('SortedPartition', () => {
  it('gives what a sorted list would, whatever was written and deleted', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(place, fc.boolean()), { maxLength: 1_500, size: 'max' }),
        fc.array(range, { minLength: 5, maxLength: 5 }),
        (writes, ranges) => {
          const partition = new SortedPartition<Place>();
          const model = new Map<string, Place>();
          for (const [one, isDeleted] of writes) {
            const key = JSON.stringify(one);
            if (isDeleted) partition.delete(one);
            else partition.set(one, one);
            if (isDeleted) model.delete(key);
            else model.set(key, one);
          }
          expect(partition.size).toBe(model.size);
          for (const { bounds, after, descending } of ranges) {
            const { first, last } = bounds;
            const within = inOrder(model.values()).filter(
              ({ sort }) =>
                (first === null || compareTexts(sort, first) >= 0) &&
                (last === null || compareTexts(sort, last) <= 0),
            );
            const directed = descending ? within.reverse() : within;
            const left = after === null ? directed : directed.filter((one) => isPast(one, after, descending));
            expect([...partition.range(bounds, { after, descending })]).toEqual(left);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('finds each of very many, in whatever order they came', () => {
    const partition = new SortedPartition<number>();
    const sortOf = (number: number) => String((number * 7_919) % 10_007).padStart(5, '0');
    for (let number = 0; number < 10_007; number++) partition.set({ sort: sortOf(number), tie: '' }, number);
    for (let number = 0; number < 10_007; number++) {
      expect(partition.get({ sort: sortOf(number), tie: '' })).toBe(number);
    }
    expect(partition.get({ sort: '1', tie: '' })).toBeUndefined();
  });
});

function isPast(one: Place, after: Place, descending: boolean): boolean {
  const [first] = inOrder([one, after]);
  const isSame = one.sort === after.sort && one.tie === after.tie;
  return !isSame && (first === after) !== descending;
}
