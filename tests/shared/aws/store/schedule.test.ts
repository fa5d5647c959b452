import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dueSlots,
  INTERVAL_CLASSES,
  intervalClass,
  slotOf,
  slotTime,
} from '../../../../shared/aws/store/schedule.ts';
import type { AccountId } from '../../../../shared/identity.ts';

const MINUTE = 60_000;
const START = Date.parse('2026-11-25T08:00:00Z');

const classes = fc.constantFrom(...INTERVAL_CLASSES);
/** Ticks as they come: late, twice within a minute, hours after a standstill. */
const ticks = fc.array(fc.integer({ min: 0, max: 3 * 60 * MINUTE }), { minLength: 1, maxLength: 40 });

/** The times at which a slot is found by a walk of ticks. */
function found(classMinutes: number, slot: number, startMs: number, steps: readonly number[]): number[] {
  const times: number[] = [];
  let sinceMs = startMs;
  for (const step of steps) {
    const nowMs = sinceMs + step;
    for (const slots of dueSlots(classMinutes, sinceMs, nowMs)) {
      if (slot >= slots.first && slot <= slots.last) times.push(slotTime(slots, slot).getTime());
    }
    sinceMs = nowMs;
  }
  return times;
}

describe('the wheel of interval classes', () => {
  it('intervalClass() is the next longer class, and a day for what is longer', () => {
    const cases = [5, 60, 61, 120, 300, 301, 600, 3_600, 3_601, 86_400, 1_000_000];
    expect(cases.map(intervalClass)).toEqual([1, 1, 2, 2, 5, 10, 10, 60, 120, 1_440, 1_440]);
  });

  it('intervalClass() never polls more often than asked for, nor less than half as often as need be', () => {
    fc.assert(
      fc.property(fc.integer({ min: 60, max: 86_400 }), (seconds) => {
        const minutes = intervalClass(seconds);
        expect(minutes * 60).toBeGreaterThanOrEqual(seconds);
        expect(minutes * 60).toBeLessThan(seconds * 2.5);
      }),
    );
  });

  it('slotOf() is within the class, and spreads accounts', () => {
    const slots = Array.from({ length: 600 }, (_, number) => slotOf(`acc_${number}` as AccountId, 60));
    expect(Math.min(...slots)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...slots)).toBeLessThan(60);
    expect(new Set(slots).size).toBe(60);
  });

  it('every slot is found exactly once for each of its times, whatever the ticks, as long as they do not pause', () => {
    const prompt = fc.array(fc.integer({ min: 0, max: 59_999 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(classes, fc.nat(), fc.nat(1e9), prompt, (classMinutes, any, offset, steps) => {
        const slot = any % classMinutes;
        const startMs = START + offset;
        const endMs = startMs + steps.reduce((sum, step) => sum + step, 0);
        const expected: number[] = [];
        for (let at = Math.floor(startMs / MINUTE) * MINUTE + MINUTE; at <= endMs; at += MINUTE) {
          if ((at / MINUTE) % classMinutes === slot) expected.push(at);
        }
        expect(found(classMinutes, slot, startMs, steps)).toEqual(expected);
      }),
    );
  });

  it('after a standstill every slot is found once, with its newest time', () => {
    fc.assert(
      fc.property(classes, fc.nat(), fc.nat(1e9), ticks, (classMinutes, any, offset, steps) => {
        const slot = any % classMinutes;
        let sinceMs = START + offset;
        for (const step of steps) {
          const nowMs = sinceMs + step;
          const times = found(classMinutes, slot, sinceMs, [step]);
          let newest = Math.floor(nowMs / MINUTE);
          while (newest % classMinutes !== slot) newest -= 1;
          expect(times).toEqual(newest * MINUTE > sinceMs ? [newest * MINUTE] : []);
          sinceMs = nowMs;
        }
      }),
    );
  });

  it('one or two ranges do for a class, however long ago the last tick was', () => {
    fc.assert(
      fc.property(classes, fc.nat(1e9), fc.nat(1e9), (classMinutes, offset, elapsed) => {
        const ranges = dueSlots(classMinutes, START + offset, START + offset + elapsed);
        expect(ranges.length).toBeLessThanOrEqual(2);
        const slots = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
        expect(slots).toBeLessThanOrEqual(classMinutes);
      }),
    );
  });
});
