import { describe, expect, it } from 'vitest';
import type { ServerAction } from '../../shared/account.ts';
import { settlementSteps, wantedFrom } from '../../shared/settlement.ts';

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

describe('wantedFrom()', () => {
  const dueAt = new Date('2026-01-08T00:00:00Z');
  const step = (cause: 'delivered' | 'failed', action: ServerAction) => ({ cause, action, dueAt });

  it('takes back what its owner no longer asks for', () => {
    const moved = step('delivered', move);
    expect(wantedFrom(moved, policy, end)).toEqual(dueAt);
    expect(wantedFrom(moved, { ...policy, onDelivered: none }, end)).toBeNull();
    const other: ServerAction = { kind: 'move', mailbox: 'Elsewhere' };
    expect(wantedFrom(moved, { ...policy, onDelivered: other }, end)).toBeNull();
    expect(wantedFrom(step('failed', flag), { ...policy, onFailed: none }, end)).toBeNull();
  });

  it('deletes only while a deletion is asked for, and not before its present day', () => {
    const deletion = step('delivered', { kind: 'delete' });
    const fromAfter = (deleteAfterDays: number) => wantedFrom(deletion, { ...policy, deleteAfterDays }, end);
    expect(fromAfter(3)).toEqual(new Date('2026-01-04T00:00:00Z'));
    expect(fromAfter(20)).toEqual(new Date('2026-01-21T00:00:00Z'));
    expect(wantedFrom(deletion, { ...policy, onDelivered: { kind: 'delete' } }, end)).toEqual(dueAt);
    expect(wantedFrom(deletion, policy, end)).toBeNull();
    expect(wantedFrom(step('failed', { kind: 'delete' }), { ...policy, deleteAfterDays: 1 }, end)).toBeNull();
  });
});
