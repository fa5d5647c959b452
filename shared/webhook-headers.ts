/** Extra headers of one webhook, and their bytes: every request carries them. */
const MAX_HEADERS = 20;
const MAX_HEADERS_BYTES = 4_096;

/** RFC 9110 section 5.6.2, token. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110 section 5.5: visible characters, blanks and tabs. Beyond ASCII servers disagree on what the bytes mean. */
const VALUE = /^[\t\x20-\x7e]*$/;

/** What the request itself says, or what would change how it is read on the way. */
const RESERVED_NAMES = new Set([
  'accept-encoding',
  'connection',
  'expect',
  'host',
  'idempotency-key',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
]);
const RESERVED_PREFIXES = ['content-', 'mailhook-', 'proxy-', 'webhook-'];

/** Why this cannot be an extra header of a webhook, in words that follow its name and never hold its value; null when it can. */
export function headerError(name: string, value: string): string | null {
  const lower = name.toLowerCase();
  if (!NAME.test(name)) return 'is not a header name';
  if (RESERVED_NAMES.has(lower) || RESERVED_PREFIXES.some((prefix) => lower.startsWith(prefix))) {
    return 'is set by mailhook itself';
  }
  return VALUE.test(value) ? null : 'has a value with characters other than printable ASCII';
}

/** Why these cannot be the extra headers of a webhook, one by one or together; null when they can. */
export function headersError(headers: Readonly<Record<string, string>>): string | null {
  const entries = Object.entries(headers);
  if (entries.length > MAX_HEADERS) return `${entries.length} headers are too many: at most ${MAX_HEADERS}`;
  let bytes = 0;
  const names = new Set<string>();
  for (const [name, value] of entries) {
    const error = headerError(name, value);
    if (error !== null) return `"${name}" ${error}`;
    if (names.has(name.toLowerCase())) return `"${name}" is there twice, in whatever case`;
    names.add(name.toLowerCase());
    bytes += name.length + value.length;
  }
  return bytes > MAX_HEADERS_BYTES
    ? `${bytes} bytes of headers are too many: at most ${MAX_HEADERS_BYTES}`
    : null;
}
