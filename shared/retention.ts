/**
 * How many days the bytes of mails are kept where events and deliveries are kept for `retentionDays` after their end: past the
 * end of any delivery that may still need them, which may have been parked as long, and its retries.
 */
export function blobRetentionDays(retentionDays: number): number {
  return 2 * retentionDays + 15;
}
