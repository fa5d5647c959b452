import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlobRef, Blobs } from '../../shared/ports/blobs.ts';

/** An adapter of the blobs, empty. */
interface OpenedBlobs {
  readonly blobs: Blobs;
  close(): Promise<void>;
}

/** Bytes that differ from place to place. */
function bytesOf(sizeBytes: number, seed = 0): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  for (let at = 0; at < sizeBytes; at++) bytes[at] = (at * 31 + (at >> 8) + seed) & 0xff;
  return bytes;
}

const SIZES = [0, 1, 70_000, 256 * 1024, 256 * 1024 + 1, 5_000_000];

/** What every adapter of `Blobs` keeps. `open` gives an empty one each time. */
export function blobsContract(name: string, open: () => Promise<OpenedBlobs>): void {
  describe(`blobs contract: ${name}`, () => {
    let opened: OpenedBlobs;

    beforeEach(async () => {
      opened = await open();
    });

    afterEach(() => opened.close());

    it.each(SIZES)('read() gives back the %d bytes that put() took', async (sizeBytes) => {
      const bytes = bytesOf(sizeBytes);
      const ref = await opened.blobs.put('raw', bytes);
      expect(bytes.equals(await opened.blobs.read(ref))).toBe(true);
      expect(bytes.equals(await buffer(await opened.blobs.open(ref)))).toBe(true);
    });

    it.each(['raw', 'event', 'body', 'ledger'] as const)('put() takes blobs of the kind %s', async (kind) => {
      const ref = await opened.blobs.put(kind, Buffer.from(kind));
      expect(Buffer.from(await opened.blobs.read(ref)).toString()).toBe(kind);
    });

    it('put() gives a fresh name each time, also for the same bytes and many at once', async () => {
      const many = Array.from({ length: 300 }, (_, number) => bytesOf(1_000, number % 3));
      const refs = await Promise.all(many.map((bytes) => opened.blobs.put('event', bytes)));
      expect(new Set(refs).size).toBe(many.length);
      for (const [index, ref] of refs.entries()) {
        expect(many[index]?.equals(await opened.blobs.read(ref))).toBe(true);
      }
    });

    it.each([1_000, 1_000_000])('open() gives any range of %d bytes', async (sizeBytes) => {
      const bytes = bytesOf(sizeBytes);
      const ref = await opened.blobs.put('raw', bytes);
      const place = fc.nat({ max: sizeBytes - 1 });
      await fc.assert(
        fc.asyncProperty(place, place, async (one, two) => {
          const range = { first: Math.min(one, two), last: Math.max(one, two) };
          const part = await buffer(await opened.blobs.open(ref, range));
          expect(part.equals(bytes.subarray(range.first, range.last + 1))).toBe(true);
        }),
        { numRuns: 20 },
      );
    });

    it('open() ends where the blob ends, whatever the range says', async () => {
      const ref = await opened.blobs.put('raw', Buffer.from('0123456789'));
      const text = async (first: number, last: number) =>
        (await buffer(await opened.blobs.open(ref, { first, last }))).toString();
      expect(await text(8, 1_000)).toBe('89');
      expect(await text(10, 20)).toBe('');
    });

    it.each(['', 'nonsense', '../../etc/passwd', 'a'.repeat(100_000)])(
      'read() of a ref that is none throws',
      async (ref) => {
        await expect(opened.blobs.read(ref as BlobRef)).rejects.toThrow();
        await expect(opened.blobs.open(ref as BlobRef)).rejects.toThrow();
      },
    );
  });
}
