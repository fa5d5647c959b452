import { Readable } from 'node:stream';
import type { BlobRef, Blobs } from '../../../shared/ports/blobs.ts';

/** Blobs in memory: tests of the store need names of blobs, and now and then what is in one. */
export function createMemoryBlobs(): Blobs {
  const kept = new Map<BlobRef, Uint8Array>();
  const read = (ref: BlobRef) => {
    const bytes = kept.get(ref);
    if (bytes === undefined) throw new Error('There is no such blob');
    return bytes;
  };
  return {
    async put(kind, bytes) {
      const ref = `${kind}/${String(kept.size).padStart(32, '0')}` as BlobRef;
      kept.set(ref, bytes);
      return ref;
    },
    read: async (ref) => read(ref),
    open: async (ref) => Readable.from([read(ref)]),
  };
}
