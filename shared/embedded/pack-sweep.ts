import { type BlobPlace, packTimeMs, placeOf } from './blob-ref.ts';
import type { Database } from './database.ts';
import type { GroupCommit } from './group-commit.ts';
import type { PackFiles } from './pack-files.ts';
import { PACK_OPEN_MS, type PackWriter } from './pack-writer.ts';
import { nextTurn } from './store/context.ts';

/** A blob to which nothing refers so long after it was written never will be referred to. */
const UNREFERRED_MS = 3_600_000;
/** The folder is looked through so often, for packs of which no row ever knew. */
const LIST_EVERY_MS = 3_600_000;
/** Packs judged before others have their turn. */
const SLICE_PACKS = 20;
const MAX_ERASURES = 1_000;

interface SweepDeps {
  readonly database: Database;
  readonly writer: GroupCommit;
  readonly files: PackFiles;
  readonly packs: PackWriter;
}

/** Removes the packs to which nothing refers any more, and erases single blobs that must go before their pack does. */
export function createPackSweep({ database, writer, files, packs }: SweepDeps) {
  let listedMs: number | null = null;

  /** Nothing can come in between the look at the rows and the end of the file. */
  const isUnreferred = (pack: string) =>
    (database.get<{ live: number }>('SELECT live FROM packs WHERE name = ?', pack)?.live ?? 0) <= 0;

  const sweep = async (names: readonly string[], nowMs: number, goOn: () => boolean): Promise<void> => {
    for (const [index, name] of names.entries()) {
      if (!goOn()) return;
      if (index % SLICE_PACKS === SLICE_PACKS - 1) await nextTurn();
      const begunMs = packTimeMs(name);
      if (begunMs === null || nowMs - begunMs < UNREFERRED_MS + PACK_OPEN_MS) continue;
      if (packs.isOpen(name) || !isUnreferred(name)) continue;
      files.unlink(name);
      await writer.write(() => database.run('DELETE FROM packs WHERE name = ? AND live <= 0', name));
    }
  };

  return {
    /** Ends early when `goOn` says so. */
    async sweep(now: Date, goOn: () => boolean): Promise<void> {
      const nowMs = now.getTime();
      await packs.endWhenOver();
      await erase(database, writer, files, goOn);
      if (!goOn()) return;
      const dead = database.all<{ name: string }>('SELECT name FROM packs WHERE live <= 0');
      await sweep(
        dead.map(({ name }) => name),
        nowMs,
        goOn,
      );
      if (listedMs !== null && Math.abs(nowMs - listedMs) < LIST_EVERY_MS) return;
      const names = await files.names();
      await sweep(
        names.filter((name) => !isKnown(database, name)),
        nowMs,
        goOn,
      );
      listedMs = nowMs;
    },
  };
}

function isKnown(database: Database, name: string): boolean {
  return database.get('SELECT 1 FROM packs WHERE name = ?', name) !== undefined;
}

async function erase(
  database: Database,
  writer: GroupCommit,
  files: PackFiles,
  goOn: () => boolean,
): Promise<void> {
  const rows = database.all<{ ref: string }>('SELECT ref FROM erasures LIMIT ?', MAX_ERASURES);
  for (const { ref } of rows) {
    if (!goOn()) return;
    const place: BlobPlace | null = placeOf(ref);
    if (place !== null) await files.erase(place);
    await writer.write(() => database.run('DELETE FROM erasures WHERE ref = ?', ref));
  }
}
