import fc from 'fast-check';
import { expect, it } from 'vitest';
import { planFetch } from '../../../../../functions/poll/mail/imap/fetch-plan.ts';
import {
  BATCH_BYTES,
  BATCH_MESSAGES,
  MAX_UIDS_PER_COMMAND,
} from '../../../../../functions/poll/mail/imap/limits.ts';
import { slicesOf, uidSet } from '../../../../../functions/poll/mail/imap/uid-set.ts';
import { item } from './imap-support.ts';

const uid = fc.integer({ min: 1, max: 0xffff_ffff });

function expand(set: string): number[] {
  if (set === '') return [];
  return set.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split(':').map(Number);
    return Array.from({ length: to - from + 1 }, (_, at) => from + at);
  });
}

it('uidSet() holds exactly the UIDs that were given, ascending', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(uid, fc.integer({ min: 1, max: 60 })), { maxLength: 80 }), (uids) => {
      expect(expand(uidSet(uids))).toEqual([...new Set(uids)].sort((a, b) => a - b));
    }),
  );
});

it.each([
  [[], ''],
  [[7], '7'],
  [[3, 1, 2, 9], '1:3,9'],
  [[5, 5, 5], '5'],
])('uidSet() of %j is "%s"', (uids, set) => {
  expect(uidSet(uids)).toBe(set);
});

it('a set in one command stays below 8,000 bytes, the worst UIDs included', () => {
  const worst = Array.from({ length: MAX_UIDS_PER_COMMAND }, (_, at) => 0xffff_ffff - 2 * at);

  expect(uidSet(worst).length).toBeLessThan(8_000);
});

it('slicesOf() keeps all items in their order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat()), fc.integer({ min: 1, max: 10 }), (items, size) => {
      const slices = slicesOf(items, size);
      expect(slices.flat()).toEqual(items);
      expect(slices.every(({ length }) => length > 0 && length <= size)).toBe(true);
    }),
  );
});

it('planFetch() keeps the order, and no step is larger than its limits', () => {
  const size = fc.option(fc.oneof(fc.nat(5_000), fc.nat(30_000_000)), { nil: null });
  fc.assert(
    fc.property(fc.array(size, { maxLength: 200 }), (sizes) => {
      const items = sizes.map((sizeBytes, at) => item(at + 1, { sizeBytes }));
      const steps = planFetch(items, 20_000_000);
      expect(steps.flatMap((step) => step.items)).toEqual(items);
      for (const step of steps) {
        expect(step.items.length).toBeLessThanOrEqual(step.kind === 'long' ? 1 : BATCH_MESSAGES);
        if (step.kind !== 'long') expect(step.bytes).toBeLessThanOrEqual(BATCH_BYTES);
        for (const { sizeBytes } of step.items) {
          expect(step.kind === 'heads').toBe(sizeBytes !== null && sizeBytes > 20_000_000);
        }
      }
    }),
  );
});
