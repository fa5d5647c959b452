import type { Log, LogFields } from '../../shared/ports/log.ts';

/** A log that keeps its lines for the test to look at. */
export interface RecordingLog extends Log {
  readonly lines: readonly ({ readonly level: string; readonly event: string } & LogFields)[];
}

export function createRecordingLog(): RecordingLog {
  const lines: ({ level: string; event: string } & LogFields)[] = [];
  const at =
    (level: string) =>
    (event: string, fields: LogFields = {}) =>
      void lines.push({ ...fields, level, event });
  return { lines, info: at('info'), warn: at('warn'), error: at('error') };
}
