import type { AccountId, EventId, Source } from '../../../shared/identity.ts';

/** A fetched message and what is known of it besides its bytes. */
export interface ParseJob {
  readonly id: EventId;
  readonly account: { readonly id: AccountId; readonly name: string };
  readonly source: Source;
  readonly backfill: boolean;
  /** ISO 8601 UTC. */
  readonly receivedAt: string;
  readonly flags: readonly string[];
  readonly labels: readonly string[];
  /** The message as the server gave it, or only its header section when it is `oversize`. */
  readonly bytes: Buffer;
  /** The size the server states for a message of which only the header section is here; null for a whole one. */
  readonly oversizeBytes: number | null;
  /** See `FileLink.base`; null for an event without links. */
  readonly linkBase: string | null;
}

/** The frozen event of a message and the fields that the store keeps beside it. */
export interface ParsedMessage {
  /** `Envelope<MessageData>` as minified UTF-8 JSON, at most 1 MiB: the bytes that are posted. */
  readonly event: Buffer;
  readonly messageId: string | null;
  readonly from: string | null;
  readonly subject: string | null;
  /** See `messageDigest`. */
  readonly digest: string;
  readonly parseError: string | null;
}

/** Turns messages into events, in the order given; one result for each, whatever is in it. */
export type Parse = (jobs: readonly ParseJob[]) => Promise<readonly ParsedMessage[]>;
