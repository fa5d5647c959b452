import type { BlobRef, Blobs } from '../../shared/ports/blobs.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Store } from '../../shared/ports/store.ts';
import type { Cutter } from './cutter.ts';

/** How a file is to be saved by whoever downloads it. */
export interface DownloadAs {
  readonly contentType: string;
  /** See `attachmentDisposition`. */
  readonly disposition: string;
}

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
