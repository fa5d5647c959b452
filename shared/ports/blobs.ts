import type { Readable } from 'node:stream';

/** What a blob is, which decides how long it is kept: a ledger as long as its account. */
export type BlobKind = 'raw' | 'event' | 'body' | 'ledger';

/** Where a blob lies; opaque outside the adapter. */
export type BlobRef = string & { readonly __blob: true };

/** The first and the last byte, both included, as in an HTTP range. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** How a file is to be saved by whoever downloads it. */
export interface DownloadAs {
  readonly contentType: string;
  /** The Content-Disposition (RFC 6266). */
  readonly disposition: string;
}

/**
 * Bytes that are written once. A blob nobody refers to is swept, at the earliest an hour after it was written, so a crash
 * between `put` and the commit leaves no rubbish for ever.
 */
export interface Blobs {
  /** Durable when it resolves, and always under a fresh name: nothing is ever overwritten. The bytes must not change before. */
  put(kind: BlobKind, bytes: Uint8Array): Promise<BlobRef>;
  /** The whole blob. Throws when there is none. For small ones; see `open`. */
  read(ref: BlobRef): Promise<Uint8Array>;
  /** The blob, or the part of it that a range names, as a stream. Throws when there is none. */
  open(ref: BlobRef, range?: ByteRange): Promise<Readable>;
}
