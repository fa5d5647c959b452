/** Longer waits are cut to a day. */
const MAX_RETRY_AFTER_MS = 86_400_000;
const MAX_DIGITS = 15;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The three forms of an HTTP date (RFC 9110 section 5.6.7): IMF-fixdate, RFC 850, asctime. All are UTC. */
const DATE_FORMS = [
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^[A-Z][a-z]{5,8}, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/,
];

/**
 * How long a Retry-After header (RFC 9110 section 10.2.3) asks to wait from `now`, in ms, at most a day. Null when it is
 * missing, is no whole number of seconds and no date, or has passed already.
 */
export function retryAfterMs(value: string | null, now: Date): number | null {
  if (value === null) return null;
  const text = value.trim();
  const isSeconds = text.length <= MAX_DIGITS && /^\d+$/.test(text);
  const waitMs = isSeconds ? Number(text) * 1_000 : (parseHttpDate(text, now) ?? 0) - now.getTime();
  return waitMs > 0 ? Math.min(waitMs, MAX_RETRY_AFTER_MS) : null;
}

function parseHttpDate(text: string, now: Date): number | null {
  for (const form of DATE_FORMS) {
    const found = form.exec(text)?.groups;
    if (found === undefined) continue;
    const month = MONTHS.indexOf(found.month ?? '') + 1;
    const year = fullYear(found.year ?? '', now);
    const day = (found.day ?? '').trim().padStart(2, '0');
    const date = `${year}-${String(month).padStart(2, '0')}-${day}`;
    const time = Date.parse(`${date}T${found.time}Z`);
    // An impossible day, such as 31 February, is read as one of the next month.
    return Number.isFinite(time) && new Date(time).toISOString().startsWith(date) ? time : null;
  }
  return null;
}

/** A year of two digits that looks more than 50 years ahead is in the past (RFC 9110 section 5.6.7). */
function fullYear(text: string, now: Date): string {
  if (text.length === 4) return text;
  const thisYear = now.getUTCFullYear();
  const year = Math.floor(thisYear / 100) * 100 + Number(text);
  return String(year > thisYear + 50 ? year - 100 : year);
}
