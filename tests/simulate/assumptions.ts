/**
 * What the simulation takes for granted: it comes from no measurement of this project, and docs/cost.md lists it. Times are
 * what a caller waits.
 */
export const ASSUMED = {
  /** One request, within a region. */
  dynamoMs: 5,
  transactionMs: 10,
  sqsMs: 10,
  s3Ms: 25,
  kmsMs: 10,
  /** From a message in a queue to its invocation. */
  pickUpMs: 20,
  /** An invocation that finds no warm process. */
  coldStartMs: 600,
  /** Connect, TLS and login; a listing or a fetch; the end. */
  loginMs: 900,
  listMs: 200,
  fetchMs: 200,
  logoutMs: 100,
  /** A receiver's answer, and how long one that is dead keeps us waiting. */
  receiverMs: 500,
  timeoutMs: 15_000,
  /** One mail as the server gives it, and the JSON made of it. */
  rawBytes: 75 * 1_024,
  eventBytes: 20 * 1_024,
  /** Accounts for each mail host. */
  accountsPerHost: 10,
  /** The pollers of one event source that is idle: five, each waits 20 s for a message. */
  idleReceivesPerMinute: 15,
  /** Lambda's own lines of an invocation, as JSON. */
  platformLogBytes: 600,
  /** What goes out for one poll, and on top of each body that is posted. */
  pollEgressBytes: 2_048,
  postOverhead: 1.1,
} as const;
