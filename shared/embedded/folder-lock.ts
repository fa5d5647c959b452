import { DatabaseSync } from 'node:sqlite';

/** Whoever forgets to release a lock must not lose it to the garbage collector, which closes what nobody can reach. */
const held = new Set<DatabaseSync>();

/** Holding a data folder. */
export interface FolderLock {
  release(): void;
}

/**
 * Takes the lock of a data folder: an exclusive transaction on an empty SQLite file, because SQLite has locks on every
 * system and the system releases them when the process ends, however it ends. Throws SQLITE_BUSY when another has it.
 */
export function lockFolder(path: string): FolderLock {
  const connection = new DatabaseSync(path);
  try {
    // Nothing is ever written in it, so the file stays empty and there is no journal to roll back.
    connection.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    connection.close();
    throw error;
  }
  held.add(connection);
  return {
    release() {
      if (held.delete(connection)) connection.close();
    },
  };
}
