import type { FileHandle } from 'node:fs/promises';
import type { BlobRef } from '../ports/blobs.ts';
import type { Clock } from '../ports/clock.ts';
import { refOf } from './blob-ref.ts';
import { HEADER_BYTES, headerOf, type PackFiles } from './pack-files.ts';

/** Blobs made durable together, at most. */
const GROUP_BLOBS = 200;
const GROUP_BYTES = 4 * 1024 * 1024;
/** A pack gets no more blobs once it is so large, or so old: what is in one pack goes when the last of it does. */
const PACK_BYTES = 64 * 1024 * 1024;
export const PACK_OPEN_MS = 10 * 60_000;

interface Waiting {
  readonly bytes: Uint8Array;
  readonly resolve: (ref: BlobRef) => void;
  readonly reject: (reason: unknown) => void;
}

interface Pack {
  readonly name: string;
  readonly file: FileHandle;
  readonly begunMs: number;
  sizeBytes: number;
}

/**
 * Appends blobs to packs. All that waits is written and synced at once, by other threads; what arrives meanwhile is the next
 * group, so groups grow with what a sync costs. A ref is given out only when its bytes are durable, so the torn end of a
 * pack after a crash is nobody's.
 */
export class PackWriter {
  readonly #files: PackFiles;
  readonly #clock: Clock;
  readonly #sync: boolean;
  #waiting: Waiting[] = [];
  #pack: Pack | null = null;
  #running: Promise<void> | null = null;
  #closed = false;

  /** Without `sync` nothing survives a power cut. */
  constructor(files: PackFiles, clock: Clock, sync: boolean) {
    this.#files = files;
    this.#clock = clock;
    this.#sync = sync;
  }

  /** Writes a blob; durable when it resolves. The bytes must not change before. */
  put(bytes: Uint8Array): Promise<BlobRef> {
    if (this.#closed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Writes a blob into a pack of its own, for one that lives much longer than what is written with it. */
  async putAlone(bytes: Uint8Array): Promise<BlobRef> {
    if (this.#closed) throw closedError();
    const pack = await this.#begin();
    try {
      await this.#append(pack, [bytes]);
    } finally {
      await pack.file.close();
    }
    return refOf({ pack: pack.name, offset: 0, sizeBytes: bytes.byteLength });
  }

  /** Whether the pack may still get blobs. */
  isOpen(name: string): boolean {
    return this.#pack?.name === name;
  }

  /** Ends the pack that is written to when it is old enough: without new blobs nobody would notice. */
  async endWhenOver(): Promise<void> {
    if (this.#running === null && this.#pack !== null && this.#isOver(this.#pack)) await this.#end();
  }

  /** Waits for what is being written; later blobs are refused. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    await this.#end();
  }

  async #run(): Promise<void> {
    // What is put in the same turn goes together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) await this.#write(this.#takeGroup());
    this.#running = null;
  }

  #takeGroup(): Waiting[] {
    let count = 0;
    let sizeBytes = 0;
    for (const { bytes } of this.#waiting) {
      if (count === GROUP_BLOBS || (count > 0 && sizeBytes + bytes.byteLength > GROUP_BYTES)) break;
      count++;
      sizeBytes += bytes.byteLength;
    }
    return this.#waiting.splice(0, count);
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    try {
      if (this.#pack !== null && this.#isOver(this.#pack)) await this.#end();
      this.#pack ??= await this.#begin();
      const pack = this.#pack;
      const offsets = await this.#append(
        pack,
        group.map(({ bytes }) => bytes),
      );
      group.forEach(({ bytes, resolve }, index) => {
        resolve(refOf({ pack: pack.name, offset: offsets[index] ?? 0, sizeBytes: bytes.byteLength }));
      });
    } catch (error) {
      for (const { reject } of group) reject(error);
      // Where its end is now is not known, so whatever comes next goes into another pack.
      await this.#abandon();
    }
  }

  /** Writes blobs at the end of a pack, durably; their offsets. */
  async #append(pack: Pack, blobs: readonly Uint8Array[]): Promise<number[]> {
    const offsets: number[] = [];
    const buffers: Uint8Array[] = [];
    let end = pack.sizeBytes;
    for (const bytes of blobs) {
      offsets.push(end);
      buffers.push(headerOf(bytes.byteLength));
      if (bytes.byteLength > 0) buffers.push(bytes);
      end += HEADER_BYTES + bytes.byteLength;
    }
    const { bytesWritten } = await pack.file.writev(buffers, pack.sizeBytes);
    if (bytesWritten !== end - pack.sizeBytes) {
      throw new Error('Cannot write a blob: the disk took a part of it only');
    }
    if (this.#sync) await pack.file.datasync();
    pack.sizeBytes = end;
    return offsets;
  }

  async #begin(): Promise<Pack> {
    const begunMs = this.#clock.now().getTime();
    return { ...(await this.#files.create(begunMs)), begunMs, sizeBytes: 0 };
  }

  #isOver(pack: Pack): boolean {
    const ageMs = this.#clock.now().getTime() - pack.begunMs;
    // Below zero the clock went back: the pack's name must not be later than what is in it for long.
    return pack.sizeBytes >= PACK_BYTES || ageMs >= PACK_OPEN_MS || ageMs < 0;
  }

  /** A file that cannot be written may not close well either; its blobs are durable already. */
  async #abandon(): Promise<void> {
    await this.#end().catch((error: unknown) => error);
  }

  async #end(): Promise<void> {
    const pack = this.#pack;
    this.#pack = null;
    await pack?.file.close();
  }
}

function closedError(): Error {
  return new Error('Cannot write a blob: the data folder is closed');
}
