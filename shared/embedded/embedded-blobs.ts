import { Readable } from 'node:stream';
import type { BlobRef, Blobs, ByteRange } from '../ports/blobs.ts';
import { type BlobPlace, placeOf } from './blob-ref.ts';
import type { PackFiles } from './pack-files.ts';
import type { PackWriter } from './pack-writer.ts';

/** Blobs in packs: files to which whatever is written at the same time is appended. */
export function createBlobs(files: PackFiles, writer: PackWriter): Blobs {
  return {
    // Ledgers live for as long as their account; everything else goes after some weeks.
    put: (kind, bytes) => (kind === 'ledger' ? writer.putAlone(bytes) : writer.put(bytes)),
    async read(ref) {
      const place = placeOf(ref);
      const bytes = place === null ? null : await files.read(place);
      if (bytes === null) throw missing(ref);
      return bytes;
    },
    async open(ref, range) {
      const place = placeOf(ref);
      if (place === null || !files.has(place)) throw missing(ref);
      const { first, end } = within(range, place);
      if (first >= end) return Readable.from([]);
      const stream = await files.stream(place, first, end);
      if (stream === null) throw missing(ref);
      return stream;
    },
  };
}

function missing(ref: BlobRef): Error {
  return new Error(`Cannot read the blob "${ref.slice(0, 60)}": there is none`);
}

/** The bytes that a range names, the end excluded. */
function within(range: ByteRange | undefined, { sizeBytes }: BlobPlace): { first: number; end: number } {
  const first = Math.max(0, range?.first ?? 0);
  return { first, end: Math.min(sizeBytes, (range?.last ?? sizeBytes - 1) + 1) };
}
