import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/** How much of a commit survives a power cut: `FULL` all of it; `NORMAL` and `OFF` are for tests and measurements. */
export type Synchronous = 'FULL' | 'NORMAL' | 'OFF';

/** The log is copied into the database when it has grown to this; it is then overwritten from its start. */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
/** How long a person who looks into the file with another tool may hold us up. */
const BUSY_TIMEOUT_MS = 2_000;
const CACHE_KIB = 32 * 1024;
/** A log that a long reader let grow shrinks to this at the next checkpoint. */
const LOG_LIMIT_BYTES = 64 * 1024 * 1024;

/**
 * One connection, each statement prepared once. Everything on it is synchronous, so between two statements of a
 * transaction nothing else can read or write, and reads outside of one see what is committed.
 */
export class Database {
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string) {
    this.#connection = new DatabaseSync(path, {
      enableForeignKeyConstraints: false,
      timeout: BUSY_TIMEOUT_MS,
    });
  }

  /** Settings that need no transaction; of an empty file also that it can shrink. */
  configure(synchronous: Synchronous): void {
    this.exec(
      `PRAGMA synchronous = ${synchronous}; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL`,
    );
    const pageBytes = this.get<{ page_size: number }>('PRAGMA page_size')?.page_size ?? 4_096;
    this.exec(
      `PRAGMA temp_store = MEMORY; PRAGMA cache_size = -${CACHE_KIB};` +
        `PRAGMA wal_autocheckpoint = ${Math.ceil(CHECKPOINT_BYTES / pageBytes)};` +
        `PRAGMA journal_size_limit = ${LOG_LIMIT_BYTES}`,
    );
  }

  /** Statements without parameters or results. */
  exec(sql: string): void {
    this.#connection.exec(sql);
  }

  /** The first row; undefined when there is none. `Row` is what the statement selects. */
  get<Row>(sql: string, ...parameters: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...parameters) as Row | undefined;
  }

  /** All rows. `Row` is what the statement selects. */
  all<Row>(sql: string, ...parameters: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...parameters) as Row[];
  }

  /** How many rows were changed. */
  run(sql: string, ...parameters: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...parameters).changes);
  }

  /** The row id of the inserted row; null when the insert was left out (`ON CONFLICT DO NOTHING`). */
  insert(sql: string, ...parameters: SQLInputValue[]): number | null {
    const { changes, lastInsertRowid } = this.#statement(sql).run(...parameters);
    return changes === 0 ? null : Number(lastInsertRowid);
  }

  /** Whether a transaction is open; some errors (a full disk, for one) end it. */
  get inTransaction(): boolean {
    return this.#connection.isTransaction;
  }

  close(): void {
    this.#statements.clear();
    this.#connection.close();
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    if (!this.#connection.isOpen) throw new Error('Cannot use the store: the data folder is closed');
    const prepared = this.#connection.prepare(sql);
    this.#statements.set(sql, prepared);
    return prepared;
  }
}
