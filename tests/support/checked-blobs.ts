import type { Blobs } from '../../shared/ports/blobs.ts';
import { readEvent } from './event-schema.ts';

/** The blobs as they are, except that an event which is not what docs/schema says is refused: the poll then fails, as loud as can be. */
export function checkedBlobs(blobs: Blobs): Blobs {
  return {
    put(kind, bytes) {
      if (kind === 'event') readEvent(bytes);
      return blobs.put(kind, bytes);
    },
    read: (ref) => blobs.read(ref),
    open: (ref, range) => blobs.open(ref, range),
  };
}
