import { setImmediate as afterMicrotasks } from 'node:timers/promises';
import type { Clock } from '../../shared/ports/clock.ts';

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

/**
 * A clock that jumps to the next thing that happens: whoever sleeps on it waits in simulated time only. What happens at the same
 * moment happens in the order in which it went to sleep, so that a run is the same each time.
 */
export class VirtualTime implements Clock {
  #nowMs: number;
  /** By time, earliest first. */
  readonly #sleepers: Sleeper[] = [];

  constructor(start: string) {
    this.#nowMs = Date.parse(start);
  }

  now(): Date {
    return new Date(this.#nowMs);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.at(this.#nowMs + ms, resolve));
  }

  /** Does something at a time; at once when it is past. */
  at(atMs: number, wake: () => void): void {
    let low = 0;
    let high = this.#sleepers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sleepers[middle]?.atMs ?? 0) <= atMs) low = middle + 1;
      else high = middle;
    }
    this.#sleepers.splice(low, 0, { atMs, wake });
  }

  /** Lets all happen that is due until a time, and stands there. */
  async runUntil(untilMs: number): Promise<void> {
    for (;;) {
      await afterMicrotasks();
      const next = this.#sleepers[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      // All of one moment together: they would wait for each other's microtasks for nothing.
      const due = this.#sleepers.findIndex(({ atMs }) => atMs > this.#nowMs);
      for (const { wake } of this.#sleepers.splice(0, due === -1 ? this.#sleepers.length : due)) wake();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** Runs until a promise is settled, and gives what it resolves to. */
  async runThrough<Value>(work: Promise<Value>): Promise<Value> {
    let isDone = false;
    const ended = work.finally(() => {
      isDone = true;
    });
    // It is awaited below; until then its failure must not count as unhandled.
    ended.catch(() => undefined);
    for (;;) {
      await afterMicrotasks();
      if (isDone) return await ended;
      const next = this.#sleepers[0];
      if (next === undefined) throw new Error('Nothing will ever happen again, and the work is not done');
      await this.runUntil(next.atMs);
    }
  }
}
