import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueOffsets, newestSlotMs, slotOffsetSeconds } from '../../../shared/embedded/store/schedule.ts';
import type { AccountId } from '../../../shared/identity.ts';

const START = Date.parse('2026-11-25T08:00:00Z');

/** The slot that a tick finds for an account, or null: what the store asks the database for. */
function found(offset: number, interval: number, sinceMs: number, nowMs: number): number | null {
  const due = dueOffsets(interval, sinceMs, nowMs).some(
    ({ after, upTo }) => offset > after && offset <= upTo,
  );
  return due ? newestSlotMs(offset, interval, nowMs) : null;
}

const intervals = fc.integer({ min: 5, max: 90_000 });

describe('the schedule', () => {
  it('finds every slot exactly once, whatever the times of the ticks', () => {
    fc.assert(
      fc.property(
        intervals,
        fc.nat(),
        fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 200 }),
        (interval, spread, waits) => {
          const offset = spread % interval;
          const slots: number[] = [];
          let sinceMs = START;
          for (const waitMs of waits) {
            // Shorter than the interval, so that no slot is skipped for a newer one.
            const nowMs = sinceMs + Math.min(waitMs, interval * 1_000 - 1);
            const slot = found(offset, interval, sinceMs, nowMs);
            if (slot !== null) slots.push(slot);
            sinceMs = nowMs;
          }
          const expected: number[] = [];
          const first = newestSlotMs(offset, interval, START) + interval * 1_000;
          for (let slot = first; slot <= sinceMs; slot += interval * 1_000) expected.push(slot);
          expect(slots).toEqual(expected);
        },
      ),
    );
  });

  it('finds the newest slot alone after a standstill of any length', () => {
    fc.assert(
      fc.property(
        intervals,
        fc.nat(),
        fc.integer({ min: 0, max: 400_000_000 }),
        (interval, spread, waitMs) => {
          const offset = spread % interval;
          const nowMs = START + waitMs;
          const slot = found(offset, interval, START, nowMs);
          const newest = newestSlotMs(offset, interval, nowMs);
          expect(slot).toBe(newest > START ? newest : null);
          expect(nowMs - newest).toBeLessThan(interval * 1_000);
        },
      ),
    );
  });

  it('keeps an account to the same second of its interval, which depends on its id alone', () => {
    fc.assert(
      fc.property(fc.string(), intervals, fc.nat({ max: 2_000_000_000 }), (id, interval, seconds) => {
        const offset = slotOffsetSeconds(id as AccountId, interval);
        expect(offset).toBe(slotOffsetSeconds(id as AccountId, interval));
        expect(Number.isInteger(offset) && offset >= 0 && offset < interval).toBe(true);
        expect(Math.abs(newestSlotMs(offset, interval, seconds * 1_000) / 1_000 - offset) % interval).toBe(0);
      }),
    );
  });

  it('spreads accounts over their interval', () => {
    const offsets = Array.from({ length: 3_000 }, (_, number) =>
      slotOffsetSeconds(`acc_${number}` as AccountId, 300),
    );
    const busiest = Math.max(
      ...Array.from({ length: 300 }, (_, second) => offsets.filter((it) => it === second).length),
    );
    expect(busiest).toBeLessThan(30);
  });
});
