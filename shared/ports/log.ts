/** What may stand in a log line: ids, counts, codes and durations; never a secret, an address, a subject or any content. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>> & {
  // These are the line's own: a field of the same name would take their place.
  readonly time?: never;
  readonly level?: never;
  readonly event?: never;
};

/** One line per call. `event` is a stable name, `poll.finished` for example. */
export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}
