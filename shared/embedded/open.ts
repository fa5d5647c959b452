import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Blobs } from '../ports/blobs.ts';
import type { Clock } from '../ports/clock.ts';
import type { Store } from '../ports/store.ts';
import type { Vault } from '../ports/vault.ts';
import { Database, type Synchronous } from './database.ts';
import { createBlobs } from './embedded-blobs.ts';
import { EmbeddedError, embeddedErrorOf, folderMessage, isNoDatabase } from './embedded-error.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';
import { GroupCommit } from './group-commit.ts';
import { loadKeys } from './key-file.ts';
import { createKeyVault } from './key-vault.ts';
import { PackFiles } from './pack-files.ts';
import { createPackSweep } from './pack-sweep.ts';
import { PackWriter } from './pack-writer.ts';
import { checkSchema, migrate } from './schema.ts';
import { resetAccounts } from './store/account-due.ts';
import { createStore } from './store/create-store.ts';
import { createRetention, RETENTION, type Retention, retentionOf } from './store/retention.ts';
import { resetWork } from './store/work.ts';

// What `openEmbedded` throws and takes, for those who call it.
export { EmbeddedError, retentionOf };

/** Pages given back to the system in one step; a few megabytes. */
const SLICE_PAGES = 128;
const MAX_PAGE_SLICES = 50;

/** Where the data lies, and how it is kept. */
export interface EmbeddedOptions {
  /** The data folder; made when it is not there. */
  readonly folder: string;
  readonly clock: Clock;
  /** @default 'FULL' */
  readonly synchronous?: Synchronous;
  /** @default RETENTION */
  readonly retention?: Partial<Retention>;
}

/** An open data folder. */
export interface Embedded {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly vault: Vault;
  /** Clears away what is no longer needed, in small steps; to be called now and then. What is left waits for the next call. */
  maintain(now: Date): Promise<void>;
  /** Makes durable what waits, and gives the folder free. */
  close(): Promise<void>;
}

/**
 * Opens a data folder for this process alone. Nothing is on its way any more: leases are void, and what was handed out or
 * taken is due now. Throws EmbeddedError, and then holds and changes nothing.
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { folder } = options;
  let lock: FolderLock | null = null;
  let database: Database | null = null;
  try {
    makeFolder(folder);
    lock = takeLock(folder);
    database = new Database(privateFile(join(folder, 'mailhook.db')));
    checkSchema(database, folder);
    database.configure(options.synchronous ?? 'FULL');
    migrate(database);
    const keys = loadKeys(join(folder, 'vault.key'), { mayCreate: !hasSecrets(database) });
    const files = new PackFiles(join(folder, 'blobs'));
    reset(database);
    return assemble(options, { lock, database, files, vault: createKeyVault(keys) });
  } catch (error) {
    database?.close();
    lock?.release();
    throw embeddedErrorOf(error, folder);
  }
}

/**
 * Makes a folder and those above it, one by one: a recursive mkdir of Node goes on for ever where a folder is there in which
 * none can be made, as /proc.
 */
function makeFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent);
  mkdirSync(folder, { mode: 0o700 });
}

/** What SQLite says of a file that is no database is, of the lock, not about the database. */
function takeLock(folder: string): FolderLock {
  try {
    return lockFolder(privateFile(join(folder, 'lock')));
  } catch (error) {
    if (!isNoDatabase(error)) throw error;
    throw new EmbeddedError('lock-file', folderMessage(folder, 'lock-file'), { cause: error });
  }
}

/** SQLite would make the file readable by others, and its log with it. */
function privateFile(path: string): string {
  closeSync(openSync(path, 'a', 0o600));
  return path;
}

function hasSecrets(database: Database): boolean {
  const row = database.get<{ any: number }>(
    'SELECT EXISTS (SELECT 1 FROM accounts) OR EXISTS (SELECT 1 FROM webhooks) AS any',
  );
  return row?.any !== 0;
}

/** Closing the connection takes back what an error leaves half done. */
function reset(database: Database): void {
  database.exec('BEGIN IMMEDIATE');
  resetAccounts(database);
  resetWork(database);
  database.exec('COMMIT');
}

interface Parts {
  readonly lock: FolderLock;
  readonly database: Database;
  readonly files: PackFiles;
  readonly vault: Vault;
}

function assemble(options: EmbeddedOptions, { lock, database, files, vault }: Parts): Embedded {
  const { clock } = options;
  const writer = new GroupCommit(database);
  const context = { database, writer, clock, packs: files };
  const packs = new PackWriter(files, clock, options.synchronous !== 'OFF');
  const packSweep = createPackSweep({ database, writer, files, packs });
  const { store, close } = createStore(context);
  const retention = createRetention(context, { ...RETENTION, ...options.retention });
  let closing = false;
  const goOn = () => !closing;
  return {
    store,
    blobs: createBlobs(files, packs),
    vault,
    async maintain(now) {
      await retention.expire(now, goOn);
      if (goOn()) await packSweep.sweep(now, goOn);
      await giveBackPages(context, goOn);
    },
    async close() {
      if (closing) return;
      closing = true;
      try {
        await packs.close();
        await close();
        writer.close();
      } finally {
        files.close();
        database.close();
        lock.release();
      }
    },
  };
}

type Context = Pick<Parts, 'database'> & { readonly writer: GroupCommit };

/** Shortens the file when more than a quarter of it is free: the usual ups and downs are left alone. */
async function giveBackPages({ database, writer }: Context, goOn: () => boolean): Promise<void> {
  const isWorth = () => {
    const free = database.get<{ freelist_count: number }>('PRAGMA freelist_count')?.freelist_count ?? 0;
    const all = database.get<{ page_count: number }>('PRAGMA page_count')?.page_count ?? 0;
    return free > SLICE_PAGES && free * 4 > all;
  };
  for (let slice = 0; slice < MAX_PAGE_SLICES && goOn() && isWorth(); slice++) {
    await writer.write(() => database.exec(`PRAGMA incremental_vacuum(${SLICE_PAGES})`));
  }
}
