import type { BlobRef, Blobs, DownloadAs } from '../../shared/ports/blobs.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Store } from '../../shared/ports/store.ts';
import type { Cutter } from './cutter.ts';

/** What the files function works with. */
export interface FilesDeps {
  readonly store: Pick<Store, 'linked'>;
  readonly blobs: Pick<Blobs, 'read' | 'open'>;
  readonly cutter: Cutter;
  /** Makes a URL under which a blob itself can be fetched for some minutes; null where blobs have none. */
  readonly presign: ((ref: BlobRef, as: DownloadAs) => Promise<URL>) | null;
  /** Links work so long after their message was committed. */
  readonly linkDays: number;
  readonly clock: Clock;
  readonly log: Log;
}
