import type { BlobRef } from '../ports/blobs.ts';
import { placeOf } from './blob-ref.ts';
import type { Database } from './database.ts';

/** What the rows of packs need to know of the files. */
export interface PackLookup {
  exists(pack: string): boolean;
}

/**
 * Says that rows refer to these blobs now, inside the write that makes it so: their packs stay. Throws when one was swept
 * meanwhile, which undoes the write: rows must not refer to what is not there.
 */
export function adoptBlobs(database: Database, packs: PackLookup, refs: readonly (BlobRef | null)[]): void {
  const added = new Map<string, number>();
  for (const ref of refs) {
    const pack = ref === null ? undefined : placeOf(ref)?.pack;
    if (pack !== undefined) added.set(pack, (added.get(pack) ?? 0) + 1);
  }
  for (const [pack, count] of added) {
    const live = database.get<{ live: number }>(
      `INSERT INTO packs (name, live) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET live = live + ?2
       RETURNING live`,
      pack,
      count,
    )?.live;
    // A process that slept for hours between writing a blob and committing it may find it gone.
    if (live === count && !packs.exists(pack)) {
      throw new Error(
        `Cannot refer to blobs of the pack "${pack}": nothing did for an hour, so it was swept`,
      );
    }
  }
}

/**
 * Says that a row no longer refers to a blob, inside the write that makes it so; a pack to which no row refers is swept.
 * With `erase` the bytes go at once, though others in the pack are still needed.
 */
export function dropBlob(database: Database, ref: string | null, how: 'sweep' | 'erase' = 'sweep'): void {
  const pack = ref === null ? undefined : placeOf(ref)?.pack;
  if (ref === null || pack === undefined) return;
  const live = database.get<{ live: number }>(
    'UPDATE packs SET live = live - 1 WHERE name = ? RETURNING live',
    pack,
  )?.live;
  if (how === 'erase' && live !== undefined && live > 0) {
    database.run('INSERT OR IGNORE INTO erasures (ref) VALUES (?)', ref);
  }
}
