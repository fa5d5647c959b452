import type { Blobs } from '../../shared/ports/blobs.ts';
import type { Store } from '../../shared/ports/store.ts';

/** A clock that stands still until the test moves it. */
export class TestClock {
  nowMs = Date.parse('2026-11-25T08:00:00Z');

  now(): Date {
    return new Date(this.nowMs);
  }

  advance(ms: number): Date {
    this.nowMs += ms;
    return this.now();
  }
}

/** An adapter of the store, empty, with what its tests need beside it. */
export interface OpenedStore {
  readonly store: Store;
  readonly blobs: Blobs;
  /** The clock that the adapter was opened with. */
  readonly clock: TestClock;
  close(): Promise<void>;
}

export const SECOND = 1_000;
export const MINUTE = 60_000;
export const DAY = 86_400_000;
/** So long a poll or an attempt holds what it took. */
export const TTL = 5 * MINUTE;
export const FIRST = { after: null, limit: 100 } as const;
