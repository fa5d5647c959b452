/**
 * How long the server may take. Whatever runs out, the connection is closed: an idle timeout alone does not stop a server
 * that sends a byte now and then.
 */
export interface ImapDeadlines {
  /** TCP and, with implicit TLS, the handshake, for one address. */
  readonly connectMs: number;
  /** From the connection to the greeting. */
  readonly greetingMs: number;
  /** Everything from the name's resolution to the end of the login, over all addresses. */
  readonly openMs: number;
  /** Silence in the middle of a command, and the whole of a command that carries no bulk. */
  readonly commandMs: number;
  /** Added to `commandMs` for each message of a listing. */
  readonly perListedMessageMs: number;
  /** A fetch gets `commandMs` and the time that its bytes take at this rate. */
  readonly minBytesPerSecond: number;
  /** LOGOUT, before the connection is just closed. */
  readonly logoutMs: number;
}

/** The deadlines of production. */
export const DEFAULT_DEADLINES: ImapDeadlines = {
  connectMs: 15_000,
  greetingMs: 10_000,
  openMs: 60_000,
  commandMs: 30_000,
  perListedMessageMs: 2,
  minBytesPerSecond: 16 * 1024,
  logoutMs: 2_000,
};

/** Addresses of one host that are tried before giving up. */
export const MAX_ADDRESSES = 4;

/** Messages in one FETCH. */
export const BATCH_MESSAGES = 100;

/** Bytes of messages in one FETCH, by their stated sizes. */
export const BATCH_BYTES = 8 * 1024 * 1024;

/**
 * Message bytes asked for at once: every body is fetched as `BODY.PEEK[]<0.n>`, so that a wrong RFC822.SIZE cannot make an
 * honest server send more than fits; what is longer is fetched on in parts. [measured: no slower than `BODY.PEEK[]`]
 */
export const PART_BYTES = 8 * 1024 * 1024;

/** Bytes of a header section that are fetched; more is cut off. */
export const MAX_HEAD_BYTES = 1024 * 1024;

/** Bytes of one batch that are kept; rows beyond it are dropped and asked for again one by one. */
export const MAX_BATCH_RECEIVED_BYTES = 3 * BATCH_BYTES;

/** The largest literal taken at all. Above `PART_BYTES` for servers that ignore the part that was asked for. */
export const MAX_LITERAL_BYTES = 64 * 1024 * 1024;

/** One response with all its literals. */
export const MAX_RESPONSE_BYTES = MAX_LITERAL_BYTES + 1024 * 1024;

/** One line of a response: long enough for a SEARCH result of a million UIDs. */
export const MAX_LINE_BYTES = 8 * 1024 * 1024;

/** Words, strings and lists in one response. */
export const MAX_RESPONSE_TOKENS = 100_000;

/** Messages of one mailbox that are listed. */
export const MAX_LISTED_MESSAGES = 1_000_000;

/** UIDs in one command that changes flags, moves or searches: at most 11 bytes each, and some servers take 8,000 a line. */
export const MAX_UIDS_PER_COMMAND = 500;

/** Mailbox names in the message about one that does not exist. */
export const MAX_NAMES_SHOWN = 20;

/** Messages of a target mailbox that are compared with one that a COPY may have put there already. */
export const MAX_COPY_CANDIDATES = 20;
