import type { Database } from './database.ts';

/** When waiting writes are committed together; whichever comes first. */
interface GroupLimits {
  /** Each mail makes about four writes on its way through, so that is 50 mails. @default 200 */
  readonly maxWaiting: number;
  /** After the first of them, in ms. @default 5 */
  readonly maxDelayMs: number;
  /** So that one commit does not hold up the process for long. @default 4 MiB */
  readonly maxBytes: number;
}

const LIMITS: GroupLimits = { maxWaiting: 200, maxDelayMs: 5, maxBytes: 4 * 1024 * 1024 };

/**
 * Commits may take this share of the time: after a commit of 0.2 ms the next may come 0.8 ms later. So a lone write is
 * committed at once, and a stream of them in groups that grow with what a commit costs.
 */
const BUSY_SHARE = 0.2;

interface Waiting {
  readonly change: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (reason: unknown) => void;
}

type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown };

/**
 * Makes many writes durable with one commit. Each write is a function that only reads and changes the database: it may be
 * run a second time, after everything it did was rolled back.
 */
export class GroupCommit {
  readonly #database: Database;
  readonly #limits: GroupLimits;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #immediate: NodeJS.Immediate | null = null;
  /** When the next commit keeps to its share of the time, on the scale of `performance.now()`. */
  #nextAt = 0;
  #closed = false;

  constructor(database: Database, limits: Partial<GroupLimits> = {}) {
    this.#database = database;
    this.#limits = { ...LIMITS, ...limits };
  }

  /**
   * Runs a change in the next commit, in the order of the calls, and resolves to what it returned once that is durable.
   * Rejects with what it threw, of which nothing remains, or with the reason why the commit failed.
   */
  write<Result>(change: () => Result, sizeBytes = 0): Promise<Result> {
    if (this.#closed) return Promise.reject(new Error('Cannot write: the data folder is closed'));
    return new Promise<Result>((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject });
      this.#waitingBytes += sizeBytes;
      const full = this.#waiting.length >= this.#limits.maxWaiting;
      if (full || this.#waitingBytes >= this.#limits.maxBytes) this.flush();
      else if (this.#waiting.length === 1) this.#schedule();
    });
  }

  /** Commits what waits, now. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#timer = null;
    this.#immediate = null;
    const group = this.#waiting;
    if (group.length === 0) return;
    this.#waiting = [];
    this.#waitingBytes = 0;
    const startedAt = performance.now();
    const outcomes = this.#commit(group);
    const endedAt = performance.now();
    this.#nextAt = endedAt + (endedAt - startedAt) * (1 / BUSY_SHARE - 1);
    group.forEach(({ resolve, reject }, index) => {
      const outcome = outcomes[index];
      if (outcome?.ok) resolve(outcome.value as never);
      else reject(outcome?.error);
    });
  }

  /** Commits what waits; every later write is rejected. */
  close(): void {
    this.flush();
    this.#closed = true;
  }

  #schedule(): void {
    const waitMs = Math.min(this.#limits.maxDelayMs, this.#nextAt - performance.now());
    if (waitMs >= 1) this.#timer = setTimeout(() => this.flush(), waitMs);
    else this.#immediate = setImmediate(() => this.flush());
  }

  #commit(group: readonly Waiting[]): readonly Outcome[] {
    return this.#commitTogether(group) ?? this.#commitApart(group);
  }

  /**
   * Without savepoints, which would copy every page that a write changes: a write throws only when something is wrong.
   * Null when one did, and all is rolled back.
   */
  #commitTogether(group: readonly Waiting[]): readonly Outcome[] | null {
    const database = this.#database;
    const outcomes: Outcome[] = [];
    try {
      database.run('BEGIN IMMEDIATE');
      for (const { change } of group) outcomes.push({ ok: true, value: change() });
      database.run('COMMIT');
      return outcomes;
    } catch (error) {
      this.#rollBack();
      // Who is alone needs no savepoint to fail alone.
      if (group.length === 1) return group.map(() => ({ ok: false, error }));
      return null;
    }
  }

  /** Each write in a savepoint of its own, so that those that fail leave the others alone. */
  #commitApart(group: readonly Waiting[]): readonly Outcome[] {
    const database = this.#database;
    try {
      database.run('BEGIN IMMEDIATE');
      const outcomes = group.map(({ change }) => this.#inSavepoint(change));
      database.run('COMMIT');
      return outcomes;
    } catch (error) {
      this.#rollBack();
      return group.map(() => ({ ok: false, error }));
    }
  }

  #inSavepoint(change: () => unknown): Outcome {
    const database = this.#database;
    database.run('SAVEPOINT one');
    try {
      const value = change();
      database.run('RELEASE one');
      return { ok: true, value };
    } catch (error) {
      // SQLite ended the whole transaction: nothing of the group is left.
      if (!database.inTransaction) throw error;
      database.run('ROLLBACK TO one');
      database.run('RELEASE one');
      return { ok: false, error };
    }
  }

  #rollBack(): void {
    if (this.#database.inTransaction) this.#database.run('ROLLBACK');
  }
}
