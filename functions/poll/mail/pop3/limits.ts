/** What one POP3 session may cost: every wait and every size that a server decides has an end here. */
export interface Pop3Limits {
  /** Name resolution, TCP and TLS together. */
  readonly connectTimeoutMs: number;
  readonly greetingTimeoutMs: number;
  /** No byte for this long while one is awaited ends the session. */
  readonly idleTimeoutMs: number;
  /** How long one reply may take; longer only while it comes at `minBytesPerSecond` or more. */
  readonly replyTimeoutMs: number;
  readonly minBytesPerSecond: number;
  /** The whole session, whatever it does. */
  readonly sessionTimeoutMs: number;
  /** Commands sent ahead of their replies, where the server offers PIPELINING. */
  readonly windowCount: number;
  /** Bytes that those replies may come to by the server's own LIST; a single larger message is asked for all the same. */
  readonly windowBytes: number;
  /** Bytes kept unread before the socket is paused. */
  readonly readAheadBytes: number;
  /** RFC 2449 section 4 allows 512 octets; servers exceed it. */
  readonly maxLineBytes: number;
  /** UIDL or LIST: 400,000 messages with UIDLs of 70 characters. */
  readonly maxListingBytes: number;
  readonly maxHeadBytes: number;
  /** What is read and thrown away of a message above its cap before the session is given up instead. */
  readonly maxDrainBytes: number;
}

/** The limits in use. Login takes 2 to 5 seconds at many servers when the password is wrong. */
export const POP3_LIMITS: Pop3Limits = {
  connectTimeoutMs: 15_000,
  greetingTimeoutMs: 20_000,
  idleTimeoutMs: 60_000,
  replyTimeoutMs: 120_000,
  minBytesPerSecond: 1_000,
  sessionTimeoutMs: 15 * 60_000,
  windowCount: 100,
  windowBytes: 4 * 1024 * 1024,
  readAheadBytes: 1024 * 1024,
  maxLineBytes: 4_096,
  maxListingBytes: 32 * 1024 * 1024,
  maxHeadBytes: 1024 * 1024,
  maxDrainBytes: 64 * 1024 * 1024,
};
