import type { Log, LogFields } from '../shared/ports/log.ts';

type Level = 'info' | 'warn' | 'error';
type Write = (line: string) => void;

/** One JSON object per line: `time`, `level`, `event` and the fields. */
export function jsonLog(write: Write, now: () => Date): Log {
  return logWith((level, event, fields) =>
    write(JSON.stringify({ time: now().toISOString(), level, event, ...fields })),
  );
}

/** One line a person reads per event: the time, what happened, then the rest of the fields. */
export function textLog(write: Write, now: () => Date): Log {
  return logWith((level, event, fields) => {
    const time = now().toTimeString().slice(0, 8);
    const mark = level === 'info' ? '' : `${level === 'warn' ? 'warning' : 'error'}: `;
    write(`${time}  ${mark}${sentence(event, fields)}`);
  });
}

function logWith(emit: (level: Level, event: string, fields: LogFields) => void): Log {
  return {
    info: (event, fields = {}) => emit('info', event, fields),
    warn: (event, fields = {}) => emit('warn', event, fields),
    error: (event, fields = {}) => emit('error', event, fields),
  };
}

function sentence(event: string, fields: LogFields): string {
  const { name, committed, settled, durationMs, error } = fields;
  switch (event) {
    case 'poll.finished': {
      const parts = [
        Number(committed) > 0 && `${committed} new`,
        Number(settled) > 0 && `${settled} settled`,
      ];
      return `${name}: ${parts.filter(Boolean).join(', ') || 'nothing new'} (${durationMs} ms)`;
    }
    case 'poll.failed':
      return `${name}: ${error}`;
    case 'server.started':
    case 'server.stopping':
      return event === 'server.started' ? 'started' : 'stopping: what is in hand is being ended';
    default: {
      const rest = Object.entries(fields).map(([key, value]) => `${key}=${value}`);
      return [event, ...rest].join(' ');
    }
  }
}
