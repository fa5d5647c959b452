/** Events and deliveries are kept so long after their end, unless the settings say otherwise. */
export const DEFAULT_RETENTION_DAYS = 30;
/** The longest that they may be asked to be kept. */
export const MAX_RETENTION_DAYS = 1_000;

/**
 * How many days the bytes of mails are kept where events and deliveries are kept for `retentionDays` after their end: past the
 * end of any delivery that may still need them, which may have been parked as long, and its retries.
 */
export function blobRetentionDays(retentionDays: number): number {
  return 2 * retentionDays + 15;
}
