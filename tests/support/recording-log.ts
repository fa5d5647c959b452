import type { Log, LogFields } from '../../shared/ports/log.ts';

/** A line: its level, its event and its fields. */
type LogLine = Readonly<Record<string, string | number | boolean | null>> & {
  readonly level: string;
  readonly event: string;
};

/** A log that keeps its lines for the test to look at. */
interface RecordingLog extends Log {
  readonly lines: readonly LogLine[];
}

export function createRecordingLog(): RecordingLog {
  const lines: LogLine[] = [];
  const at =
    (level: string) =>
    (event: string, fields: LogFields = {}) =>
      void lines.push({ ...fields, level, event });
  return { lines, info: at('info'), warn: at('warn'), error: at('error') };
}
