import { describe, expect, it } from 'vitest';
import type { ServerAction } from '../../shared/account.ts';
import { settlementSteps, stillWanted } from '../../shared/settlement.ts';

const none: ServerAction = { kind: 'none' };
const move: ServerAction = { kind: 'move', mailbox: 'Archive' };
const flag: ServerAction = { kind: 'flag', keyword: 'Failed' };
const policy = { onDelivered: move, onFailed: flag, deleteAfterDays: null };
const end = new Date('2026-01-01T00:00:00Z');
const counts = (open: number, delivered: number, failed: number) => ({ open, delivered, failed });

describe('settlementSteps()', () => {
  it('does nothing while a delivery is open, whatever else ended', () => {
    expect(settlementSteps(counts(1, 5, 5), policy, end)).toEqual([]);
  });

  it('does nothing without a delivery, or when all were skipped', () => {
    expect(settlementSteps(counts(0, 0, 0), policy, end)).toEqual([]);
  });

  it('does on-failed, and not on-delivered, when any delivery failed', () => {
    expect(settlementSteps(counts(0, 1, 1), policy, end)).toEqual([
      { cause: 'failed', action: flag, dueAt: end },
    ]);
  });

  it('does on-delivered at once when all that count were delivered', () => {
    const steps = settlementSteps(counts(0, 2, 0), policy, end);
    expect(steps).toEqual([{ cause: 'delivered', action: move, dueAt: end }]);
  });

  it('deletes so many days after the end, besides what on-delivered does, and never after a failure', () => {
    const later = { onDelivered: { kind: 'mark-seen' } as const, onFailed: none, deleteAfterDays: 2 };
    expect(settlementSteps(counts(0, 1, 0), later, end)).toEqual([
      { cause: 'delivered', action: { kind: 'mark-seen' }, dueAt: end },
      { cause: 'delivered', action: { kind: 'delete' }, dueAt: new Date('2026-01-03T00:00:00Z') },
    ]);
    expect(settlementSteps(counts(0, 1, 1), later, end)).toEqual([]);
  });
});

describe('stillWanted()', () => {
  it('takes back what its owner no longer asks for', () => {
    expect(stillWanted({ cause: 'delivered', action: move }, policy)).toBe(true);
    expect(stillWanted({ cause: 'delivered', action: move }, { ...policy, onDelivered: none })).toBe(false);
    const other: ServerAction = { kind: 'move', mailbox: 'Elsewhere' };
    expect(stillWanted({ cause: 'delivered', action: move }, { ...policy, onDelivered: other })).toBe(false);
    expect(stillWanted({ cause: 'failed', action: flag }, { ...policy, onFailed: none })).toBe(false);
  });

  it('deletes only while a deletion is asked for', () => {
    const step = { cause: 'delivered', action: { kind: 'delete' } } as const;
    expect(stillWanted(step, { ...policy, deleteAfterDays: 3 })).toBe(true);
    expect(stillWanted(step, { ...policy, onDelivered: { kind: 'delete' } })).toBe(true);
    expect(stillWanted(step, policy)).toBe(false);
  });
});
