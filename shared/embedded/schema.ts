import type { Database } from './database.ts';
import { EmbeddedError, folderMessage } from './embedded-error.ts';
import { MIGRATIONS } from './migrations.ts';

/** Marks the file as ours (`PRAGMA application_id`): "mhok". */
const APPLICATION_ID = 0x6d686f6b;

/** The version this mailhook writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Refuses a database that is not ours or of a later version, before anything is changed. Throws EmbeddedError, and what
 * SQLite throws when the file is damaged.
 */
export function checkSchema(database: Database, folder: string): void {
  const version = database.get<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0;
  const application = database.get<{ application_id: number }>('PRAGMA application_id')?.application_id ?? 0;
  const tables = database.get<{ count: number }>('SELECT count(*) AS count FROM sqlite_schema')?.count ?? 0;
  const isEmpty = tables === 0 && version === 0 && application === 0;
  if (!isEmpty && application !== APPLICATION_ID) {
    throw new EmbeddedError('foreign', folderMessage(folder, 'foreign'));
  }
  if (version > SCHEMA_VERSION) {
    const versions = ` (its data is of version ${version}, this one knows ${SCHEMA_VERSION})`;
    throw new EmbeddedError('newer-version', folderMessage(folder, 'newer-version') + versions);
  }
}

/** Brings the database to the present version, in one transaction: a crash leaves the version before. */
export function migrate(database: Database): void {
  const version = database.get<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0;
  if (version === SCHEMA_VERSION) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const step of MIGRATIONS.slice(version)) database.exec(step);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`);
    database.exec('COMMIT');
  } catch (error) {
    if (database.inTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
