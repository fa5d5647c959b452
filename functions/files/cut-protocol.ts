/** What a cutting thread is asked for: some attachments of one message, each into a file of its own. */
export interface CutOrder {
  /** The message as its server gave it, in memory that both threads see. */
  readonly raw: SharedArrayBuffer;
  /** The files are made, and must not be there yet. */
  readonly wanted: readonly { readonly id: string; readonly path: string }[];
}

/** What a cutting thread says: once that it listens, then one answer to each order. */
export type CutReply =
  | { readonly kind: 'ready' }
  /** The wanted attachments that are there; the bytes of each are in its file. */
  | {
      readonly kind: 'cut';
      readonly found: readonly { readonly id: string; readonly size: number; readonly sha256: string }[];
    };
