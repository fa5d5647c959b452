import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readSync, unlinkSync } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type BlobPlace, packNameOf } from './blob-ref.ts';
import { systemCode } from './embedded-error.ts';

/** Before the bytes of each blob: that they are there, and how many. Erasing a blob overwrites it with zeros. */
export const HEADER_BYTES = 8;
const MAGIC = 0x6d686231; // "mhb1"
/** Packs kept open for reading, the latest read. */
const MAX_OPEN = 64;
/** Larger blobs are read by other threads: the disk may be slow, and everything else waits for a read of this one. */
const MAX_DIRECT_BYTES = 256 * 1024;
const ZEROS = Buffer.alloc(64 * 1024);

/** The header of a blob. */
export function headerOf(sizeBytes: number): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt32BE(MAGIC, 0);
  header.writeUInt32BE(sizeBytes, 4);
  return header;
}

/** The files in which blobs lie: reading, erasing and unlinking them. Writing is the pack writer's. */
export class PackFiles {
  readonly #folder: string;
  /** File descriptors by name, the longest unused first. */
  readonly #open = new Map<string, number>();

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** Begins a pack; its name is durable. */
  async create(begunMs: number): Promise<{ readonly name: string; readonly file: FileHandle }> {
    const name = packNameOf(begunMs, randomBytes(8).toString('hex'));
    const file = await open(this.#path(name), 'wx', 0o600);
    syncFolder(this.#folder);
    return { name, file };
  }

  /** The bytes of a blob; null when there is none. */
  async read(place: BlobPlace): Promise<Uint8Array | null> {
    if (place.sizeBytes <= MAX_DIRECT_BYTES) return this.#readNow(place);
    if (!this.has(place)) return null;
    const file = await open(this.#path(place.pack), 'r');
    try {
      const bytes = Buffer.allocUnsafe(place.sizeBytes);
      const { bytesRead } = await file.read(bytes, 0, place.sizeBytes, place.offset + HEADER_BYTES);
      return bytesRead === place.sizeBytes ? bytes : null;
    } finally {
      await file.close();
    }
  }

  /** The bytes of a blob from `first` to before `end`, as a stream; null when there is no blob. */
  async stream(place: BlobPlace, first: number, end: number): Promise<Readable | null> {
    if (!this.has(place)) return null;
    const file = await open(this.#path(place.pack), 'r');
    const start = place.offset + HEADER_BYTES + first;
    return file.createReadStream({ start, end: start + end - first - 1 });
  }

  /** Whether the blob is there. */
  has(place: BlobPlace): boolean {
    const header = this.#readAt(place, 0, HEADER_BYTES);
    return header?.equals(headerOf(place.sizeBytes)) ?? false;
  }

  exists(pack: string): boolean {
    return existsSync(this.#path(pack));
  }

  /** Overwrites a blob, durably: nobody reads it again. Does nothing when it is not there. */
  async erase(place: BlobPlace): Promise<void> {
    if (!this.has(place)) return;
    const file = await open(this.#path(place.pack), 'r+');
    try {
      const end = place.offset + HEADER_BYTES + place.sizeBytes;
      for (let at = place.offset; at < end; at += ZEROS.length) {
        await file.write(ZEROS, 0, Math.min(ZEROS.length, end - at), at);
      }
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  /** Removes a pack, before anything else can happen; one that is not there is gone too. */
  unlink(pack: string): void {
    this.#forget(pack);
    try {
      unlinkSync(this.#path(pack));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }

  /** All names in the folder. */
  async names(): Promise<string[]> {
    return await readdir(this.#folder);
  }

  close(): void {
    for (const pack of [...this.#open.keys()]) this.#forget(pack);
  }

  #readNow(place: BlobPlace): Uint8Array | null {
    const all = this.#readAt(place, 0, HEADER_BYTES + place.sizeBytes);
    const isThere = all?.subarray(0, HEADER_BYTES).equals(headerOf(place.sizeBytes)) ?? false;
    return all !== null && isThere ? all.subarray(HEADER_BYTES) : null;
  }

  /** So many bytes from a place on; null when the file is missing or ends before. */
  #readAt({ pack, offset }: BlobPlace, from: number, sizeBytes: number): Buffer | null {
    const file = this.#opened(pack);
    if (file === null) return null;
    const bytes = Buffer.allocUnsafe(sizeBytes);
    return readSync(file, bytes, 0, sizeBytes, offset + from) === sizeBytes ? bytes : null;
  }

  #opened(pack: string): number | null {
    const known = this.#open.get(pack);
    if (known !== undefined) {
      this.#open.delete(pack);
      this.#open.set(pack, known);
      return known;
    }
    try {
      const file = openSync(this.#path(pack), 'r');
      this.#open.set(pack, file);
      const oldest = this.#open.keys().next().value;
      if (this.#open.size > MAX_OPEN && oldest !== undefined) this.#forget(oldest);
      return file;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return null;
      throw error;
    }
  }

  #forget(pack: string): void {
    const file = this.#open.get(pack);
    if (file === undefined) return;
    this.#open.delete(pack);
    closeSync(file);
  }

  #path(pack: string): string {
    return join(this.#folder, pack);
  }
}

/** Makes the names in a folder durable. Windows cannot open folders, and does without. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
