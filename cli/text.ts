const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

/**
 * Text from outside, fit for a terminal: control characters, which could steer it, and marks that change the reading
 * direction, which could disguise a name, become spaces.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/gu, ' ');
}

/** `3 min ago`, `in 2 h`, `now`; a dash for no time. */
export function relativeTime(time: string | null, now: Date): string {
  if (time === null) return '-';
  const seconds = Math.round((Date.parse(time) - now.getTime()) / 1_000);
  if (Number.isNaN(seconds)) return printable(time);
  if (Math.abs(seconds) < 2) return 'now';
  const text = duration(Math.abs(seconds));
  return seconds < 0 ? `${text} ago` : `in ${text}`;
}

/** When something that is due happens: `in 2 h`, and `now` once its time has come, since it is in hand then; a dash for never. */
export function dueTime(time: string | null, now: Date): string {
  return time !== null && Date.parse(time) < now.getTime() ? 'now' : relativeTime(time, now);
}

/** `45 s`, `3 min`, `2 h`, `5 d`: the largest unit that makes at least 1. */
export function duration(seconds: number): string {
  if (seconds < MINUTE_S) return `${seconds} s`;
  if (seconds < HOUR_S) return `${Math.floor(seconds / MINUTE_S)} min`;
  if (seconds < 2 * DAY_S) return `${Math.floor(seconds / HOUR_S)} h`;
  return `${Math.floor(seconds / DAY_S)} d`;
}

/** `1 message`, `3 messages`. */
export function count(number: number, singular: string, plural = `${singular}s`): string {
  return `${number} ${number === 1 ? singular : plural}`;
}

/** A value of the API's JSON as a person reads it: nothing is a dash, a list is joined. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(valueText).join(', ');
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([key, part]) => `${printable(key)} ${valueText(part)}`)
      .join(', ');
  }
  return printable(String(value));
}
