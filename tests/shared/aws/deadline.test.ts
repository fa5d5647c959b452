import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDeadline } from '../../../shared/aws/deadline.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const invocationOf = (durationMs: number) => {
  const endsAt = Date.now() + durationMs;
  return { getRemainingTimeInMillis: () => endsAt - Date.now() };
};

describe('createDeadline()', () => {
  it('asks to stop 15 s before the end, and cuts 5 s before it', () => {
    using deadline = createDeadline(invocationOf(60_000));
    vi.advanceTimersByTime(44_999);
    expect([deadline.stopping(), deadline.signal.aborted]).toEqual([false, false]);
    vi.advanceTimersByTime(1);
    expect([deadline.stopping(), deadline.signal.aborted]).toEqual([true, false]);
    vi.advanceTimersByTime(10_000);
    expect([deadline.stopping(), deadline.signal.aborted]).toEqual([true, true]);
  });

  it('leaves no timer behind: it would fire in another invocation', () => {
    const deadline = createDeadline(invocationOf(60_000));
    deadline[Symbol.dispose]();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(120_000);
    expect(deadline.signal.aborted).toBe(false);
  });

  it('an invocation with hardly any time left is cut at once', () => {
    using deadline = createDeadline(invocationOf(3_000));
    vi.advanceTimersByTime(0);
    expect(deadline.signal.aborted).toBe(true);
  });
});
