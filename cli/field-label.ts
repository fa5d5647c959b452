const FIELD_OPTIONS: Readonly<Record<string, string>> = {
  caPem: '--ca-file',
  deleteAfterDays: '--delete-after',
  graceHours: '--grace',
  headers: '--header',
  host: '--host',
  intervalSeconds: '--interval',
  mailboxes: '--mailbox',
  maxSizeBytes: '--max-size',
  onDelivered: '--on-delivered',
  onFailed: '--on-failed',
  port: '--port',
  start: '--start',
  timeoutSeconds: '--timeout',
  username: '--username',
};

/** The option that sets a field of the API, for messages about the field; the field's own name where there is none. */
export function fieldLabel(path: string): string {
  return FIELD_OPTIONS[path] ?? path;
}
