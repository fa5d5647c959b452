/** Longer than any date with its comments; what is behind is not looked at. */
const MAX_DATE_CHARS = 200;

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/**
 * Minutes east of UTC. `ut` to `pst` are RFC 5322 section 4.3, the others are in common use; of a name with several
 * meanings the one of the most mail (IST is India's, BST Britain's).
 */
const ZONES: ReadonlyMap<string, number> = new Map(
  (
    [
      [0, 'ut utc gmt z wet'],
      [-240, 'edt ast'],
      [-300, 'est cdt'],
      [-360, 'cst mdt'],
      [-420, 'mst pdt'],
      [-480, 'pst akdt'],
      [60, 'cet met mez west bst'],
      [120, 'eet cest mest mesz sast'],
      [180, 'eest msk trt'],
      [240, 'msd'],
      [300, 'pkt'],
      [330, 'ist'],
      [420, 'wib'],
      [480, 'hkt sgt awst myt'],
      [540, 'jst kst'],
      [570, 'acst'],
      [600, 'aest'],
      [660, 'aedt'],
      [720, 'nzst'],
      [780, 'nzdt'],
      [-180, 'brt art adt'],
      [-210, 'nst'],
      [-540, 'akst'],
      [-600, 'hst'],
    ] as const
  ).flatMap(([minutes, names]) => names.split(' ').map((name) => [name, minutes] as const)),
);

const TIME = String.raw`(?<hour>\d{1,2})[:.](?<minute>\d{1,2})(?:[:.](?<second>\d{1,2}))?(?:[.,]\d+)?(?: ?(?<half>[ap]m))?`;
const ZONE = String.raw`(?<zone>(?:[a-z]{1,5} ?)?[+-]\d{1,2}:?\d{2}|[a-z]{1,5}(?:[+-]\d{1,2})?)?(?: ["a-z].*)?`;
const FORMS: readonly RegExp[] = [
  // RFC 5322 section 3.3, with what mailers make of it: dashes, long names of months, no day of the week.
  String.raw`^(?:[a-z]{2,9}\.? )?(?<day>\d{1,2})[ -](?<month>[a-z]{3,9})\.?[ -](?<year>\d{2,4}) ${TIME} ?${ZONE}$`,
  // `Tue Jan 2 10:00:00 CET 2024`, as C's asctime and Unix's date print it.
  String.raw`^(?:[a-z]{2,9}\.? )?(?<month>[a-z]{3,9})\.? (?<day>\d{1,2}) ${TIME} (?:(?<zone>[a-z]{1,5}|[+-]\d{4}) )?(?<year>\d{4})$`,
  // `January 2, 2024 10:00 AM`, as people write it.
  String.raw`^(?:[a-z]{2,9}\.? )?(?<month>[a-z]{3,9})\.? (?<day>\d{1,2}) (?<year>\d{4}) (?:at )?${TIME} ?${ZONE}$`,
  // ISO 8601.
  String.raw`^(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})[t ]${TIME} ?${ZONE}$`,
].map((form) => new RegExp(form));

/**
 * Reads the value of a Date field (RFC 5322 sections 3.3 and 4.3: two- and three-digit years, named zones) and the
 * forms that broken mailers write. A time without a zone, or in one that nobody knows, is taken for UTC, as section
 * 4.3 says; nothing depends on the machine's own zone or clock.
 *
 * @returns ISO 8601 UTC; null when it is no date.
 */
export function parseDate(text: string): string | null {
  const plain = withoutComments(text.slice(0, MAX_DATE_CHARS))
    .toLowerCase()
    // A comma in front of a fraction of a second is none between words.
    .replace(/(:\d{2}),(?=\d)/g, '$1.')
    .replace(/[\s,]+/g, ' ')
    .replace(/ ?: ?/g, ':')
    .trim();
  for (const form of FORMS) {
    const parts = form.exec(plain)?.groups;
    if (parts) return dateOf(parts);
  }
  return null;
}

/** RFC 5322 section 3.2.2: comments nest and may hold escaped characters; one that does not end takes the rest. */
function withoutComments(text: string): string {
  if (!text.includes('(')) return text;
  let depth = 0;
  let plain = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '(') depth += 1;
    if (depth === 0) plain += char;
    else if (char === '\\') at += 1;
    else if (char === ')') {
      depth -= 1;
      plain += ' ';
    }
  }
  return plain;
}

function dateOf(parts: Readonly<Record<string, string | undefined>>): string | null {
  const year = yearOf(parts.year ?? '');
  const month = monthOf(parts.month ?? '');
  const day = Number(parts.day);
  const hour = hourOf(Number(parts.hour), parts.half);
  const minute = Number(parts.minute);
  const second = Number(parts.second ?? '0');
  const offset = offsetMinutes(parts.zone);
  // Section 4.3 knows no year before 1900; a second 60 is a leap second.
  if (offset === null || month < 0 || year < 1900 || hour > 23 || minute > 59 || second > 60) return null;
  const midnight = new Date(Date.UTC(year, month, day));
  if (midnight.getUTCDate() !== day || midnight.getUTCMonth() !== month) return null;
  const iso = new Date(Date.UTC(year, month, day, hour, minute, second) - offset * 60_000).toISOString();
  // The last hours of 9999 west of Greenwich are in no year of four digits.
  return /^\d{4}-/.test(iso) ? iso : null;
}

/** Section 4.3: two digits are 2000 to 2049 and 1950 to 1999, three digits count from 1900. */
function yearOf(digits: string): number {
  const year = Number(digits);
  if (digits.length === 4) return year;
  return digits.length === 2 && year < 50 ? year + 2000 : year + 1900;
}

function monthOf(text: string): number {
  return /^\d/.test(text) ? Number(text) - 1 : MONTHS.indexOf(text.slice(0, 3));
}

function hourOf(hour: number, half: string | undefined): number {
  if (half === undefined || hour > 12) return hour;
  return (hour % 12) + (half === 'pm' ? 12 : 0);
}

/** Minutes east of UTC; null for an offset that cannot be. */
function offsetMinutes(zone: string | undefined): number | null {
  if (zone === undefined) return 0;
  const numeric = /([+-])(\d{1,2}):?(\d{2})?$/.exec(zone);
  if (!numeric) return ZONES.get(zone) ?? 0;
  const hours = Number(numeric[2]);
  const minutes = Number(numeric[3] ?? '0');
  if (hours > 23 || minutes > 59) return null;
  return (numeric[1] === '-' ? -1 : 1) * (hours * 60 + minutes);
}
