import { randomBytes } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { BlobRef, Blobs, ByteRange } from '../../shared/ports/blobs.ts';
import { createWorkerThread } from '../../shared/worker-thread.ts';
import type { CutOrder, CutReply } from './cut-protocol.ts';

/** A message that waits behind so many others is not worth waiting for. */
const MAX_WAITING = 64;
/** While downloads hold more than this on the disk, none begins: whoever has a link may fetch it often, and slowly. */
const MAX_HELD_BYTES = 256 * 1024 * 1024;
/** A download of which nothing was taken for so long is ended. */
const IDLE_MS = 60_000;
/** 64 MB take about a second. */
const BUDGET_MS = 30_000;
/** A mail is hostile input. */
const MAX_HEAP_MB = 512;

/** The bytes of one attachment, in a file that goes with `dispose`. */
interface CutPart {
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
  open(range?: ByteRange): Readable;
  read(): Promise<Buffer>;
}

/** What cutting came to. `parts` has the wanted attachments that are in the message, by their ids. */
type Cut =
  | { readonly kind: 'cut'; readonly parts: ReadonlyMap<string, CutPart>; dispose(): Promise<void> }
  /** Too many wait already, or too much is being downloaded. */
  | { readonly kind: 'busy' }
  /** The message took too long or ended the thread; in words, for the log. */
  | { readonly kind: 'failed'; readonly reason: string };

/** The message to cut from: the blob and how many bytes it has. */
export interface CutSource {
  readonly raw: BlobRef;
  readonly sizeBytes: number;
}

/** Cuts attachments out of raw messages. */
export interface Cutter {
  /** Throws in an outage, as when the disk is full: the same may be cut later. */
  cut(source: CutSource, ids: readonly string[]): Promise<Cut>;
  /** Ends the thread, and takes away what an earlier process left. */
  close(): Promise<void>;
}

interface CutterOptions {
  /** The thread's program. @default cut-worker.ts beside this file; a bundle names its own */
  readonly workerUrl?: URL;
  /** Bytes of attachments that are held for downloads; see `MAX_HELD_BYTES`. @default 256 MiB */
  readonly maxHeldBytes?: number;
  /** How long nothing may be taken of a download. @default 60,000 */
  readonly idleMs?: number;
  /** How long one message may take until the thread is ended. @default 30,000 */
  readonly budgetMs?: number;
  readonly blobs: Pick<Blobs, 'open'>;
  /** For files that last as long as a download; only this cutter uses it, and it is emptied when it is opened. */
  readonly folder: string;
}

/**
 * Cuts one message after the other, in a thread, with the parser that made the events: no more than one message is in
 * memory, whoever asks and however slowly they take what they asked for.
 */
export async function createCutter(options: CutterOptions): Promise<Cutter> {
  const { blobs, folder } = options;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const thread = createWorkerThread<CutOrder, Extract<CutReply, { kind: 'cut' }>>({
    workerUrl: options.workerUrl ?? new URL('./cut-worker.ts', import.meta.url),
    budgetMs: options.budgetMs ?? BUDGET_MS,
    maxHeapMb: MAX_HEAP_MB,
    words: { thread: 'The cutting thread', work: 'Cutting' },
  });
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();

  const { maxHeldBytes = MAX_HELD_BYTES, idleMs = IDLE_MS } = options;
  let heldBytes = 0;

  async function cutNow({ raw, sizeBytes }: CutSource, ids: readonly string[]): Promise<Cut> {
    if (heldBytes >= maxHeldBytes) return { kind: 'busy' };
    const memory = await load(blobs, raw, sizeBytes);
    const wanted = ids.map((id) => ({ id, path: join(folder, randomBytes(16).toString('hex')) }));
    let bytes = 0;
    const dispose = async () => {
      heldBytes -= bytes;
      bytes = 0;
      await Promise.all(wanted.map(({ path }) => rm(path, { force: true })));
    };
    const reply = await thread.run({ raw: memory, wanted });
    if (reply.kind === 'failed') {
      await dispose();
      if (reply.isOutage) throw new Error(`Cannot cut attachments: ${reply.reason}`);
      return { kind: 'failed', reason: reply.reason };
    }
    const parts = new Map<string, CutPart>();
    for (const { id, size, sha256 } of reply.found) {
      const path = wanted.find((one) => one.id === id)?.path;
      if (path !== undefined) parts.set(id, { size, sha256, ...fileAt(path, size, idleMs) });
      bytes += size;
    }
    heldBytes += bytes;
    return { kind: 'cut', parts, dispose };
  }

  async function cut(source: CutSource, ids: readonly string[]): Promise<Cut> {
    if (waiting >= MAX_WAITING) return { kind: 'busy' };
    waiting += 1;
    const turn = last.then(() => cutNow(source, ids));
    // Whoever is next waits for the end of this one, whatever it is.
    last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      waiting -= 1;
    }
  }

  return { cut, close: () => thread.close() };
}

/** Reads a message into memory that the thread sees. Throws when it is not of that size. */
async function load(blobs: Pick<Blobs, 'open'>, raw: BlobRef, sizeBytes: number): Promise<SharedArrayBuffer> {
  const memory = new SharedArrayBuffer(sizeBytes);
  const target = new Uint8Array(memory);
  let at = 0;
  for await (const chunk of await blobs.open(raw)) {
    const bytes = chunk as Buffer;
    if (at + bytes.length > sizeBytes) break;
    target.set(bytes, at);
    at += bytes.length;
  }
  if (at !== sizeBytes)
    throw new Error(`Cannot read a message of ${sizeBytes} bytes: its blob is not of that size`);
  return memory;
}

function fileAt(path: string, size: number, idleMs: number): Pick<CutPart, 'open' | 'read'> {
  return {
    open(range) {
      const first = range?.first ?? 0;
      const last = Math.min(range?.last ?? size, size - 1);
      if (last < first) return Readable.from([]);
      return endWhenIdle(createReadStream(path, { start: first, end: last }), idleMs);
    },
    read: () => readFile(path),
  };
}

/** Destroys the stream when nothing more was read of it for so long: whoever took it has stopped taking. */
function endWhenIdle(stream: ReadStream, idleMs: number): ReadStream {
  let seen = -1;
  const timer = setInterval(() => {
    if (stream.bytesRead === seen) stream.destroy();
    seen = stream.bytesRead;
  }, idleMs);
  timer.unref();
  return stream.once('close', () => clearInterval(timer));
}
