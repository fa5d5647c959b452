import { writeSync } from 'node:fs';
import type { KillPoint, Moment } from './crash-steps.ts';

/** What a child writes to its trace, one JSON line each; the last ones before a SIGKILL are there like all others. */
export type Line =
  /** It comes to a step, or has taken it (`nth` from 1). `ids` are the events that the step is about. */
  | {
      readonly kind: 'step';
      readonly step: string;
      readonly moment: Moment;
      readonly nth: number;
      readonly ids: readonly string[];
    }
  /** It ends itself now. */
  | { readonly kind: 'killed' }
  /** The round ended by itself, and the data folder is free. */
  | { readonly kind: 'done'; readonly result: unknown }
  /** The round failed. */
  | { readonly kind: 'failed'; readonly error: string };

/** Writes a line to standard output, which is a file here: it takes everything at once, and keeps what a dead process wrote. */
export function tell(line: Line): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

/** Counts the steps of a round, tells the parent of them, and ends the process at the kill point. */
export class Trace {
  #kill: KillPoint | null = null;
  readonly #counts = new Map<string, number>();
  readonly #watchers = new Set<(step: string) => void>();

  /** Begins a round. */
  begin(kill: KillPoint | null): void {
    this.#kill = kill;
    this.#counts.clear();
    this.#watchers.clear();
  }

  /** Resolves when this step has been taken once more. */
  next(wanted: string): Promise<void> {
    return new Promise((resolve) => {
      const watcher = (step: string) => {
        if (step !== wanted) return;
        this.#watchers.delete(watcher);
        resolve();
      };
      this.#watchers.add(watcher);
    });
  }

  /** Takes a step. `during` is given the way to end the process in the middle of it. */
  async around<Result>(
    step: string,
    ids: readonly string[],
    take: (during: () => void) => Promise<Result>,
  ): Promise<Result> {
    const pass = this.#enter(step, ids);
    pass('before');
    const result = await take(() => pass('during'));
    pass('after');
    this.#taken(step);
    return result;
  }

  /** Takes a step that answers a piece at a time; after the first piece it is in the middle. */
  async *each<Item>(step: string, take: () => AsyncIterable<Item>): AsyncIterable<Item> {
    const pass = this.#enter(step, []);
    pass('before');
    let isFirst = true;
    for await (const item of take()) {
      if (isFirst) pass('during');
      isFirst = false;
      yield item;
    }
    pass('after');
    this.#taken(step);
  }

  /** Takes a step that ends at once. */
  sync<Result>(step: string, take: () => Result): Result {
    const pass = this.#enter(step, []);
    pass('before');
    const result = take();
    pass('after');
    return result;
  }

  #enter(step: string, ids: readonly string[]): (moment: Moment) => void {
    const nth = (this.#counts.get(step) ?? 0) + 1;
    this.#counts.set(step, nth);
    return (moment) => {
      tell({ kind: 'step', step, moment, nth, ids });
      if (this.#kill?.step === step && this.#kill.moment === moment && this.#kill.nth === nth) die();
    };
  }

  #taken(step: string): void {
    for (const watcher of [...this.#watchers]) watcher(step);
  }
}

/** Nothing runs after it: the signal cannot be caught, and is delivered before `kill` returns. */
function die(): never {
  tell({ kind: 'killed' });
  process.kill(process.pid, 'SIGKILL');
  throw new Error('The process outlived its SIGKILL');
}
