import { validateHeaderName, validateHeaderValue } from 'node:http';

const MAX_HEADERS = 20;
const MAX_HEADERS_BYTES = 4_096;

/** Headers that the request itself needs as they are, or that would change how it is read on the way. */
const RESERVED = new Set([
  'host',
  'accept-encoding',
  'connection',
  'expect',
  'idempotency-key',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
]);
const RESERVED_PREFIXES = ['content-', 'webhook-', 'mailhook-'];

/** Why this header cannot be an extra header of a webhook, without its value; null when it can. */
export function headerError(name: string, value: string): string | null {
  const lower = name.toLowerCase();
  if (!passes(() => validateHeaderName(name))) return 'is not a valid header name';
  if (RESERVED.has(lower) || RESERVED_PREFIXES.some((prefix) => lower.startsWith(prefix))) {
    return 'is set by mailhook itself';
  }
  return passes(() => validateHeaderValue(name, value))
    ? null
    : 'has a value with characters no header may have';
}

/** Why these headers are too many or too much together; null when they are not. */
export function headersError(headers: Readonly<Record<string, string>>): string | null {
  const entries = Object.entries(headers);
  if (entries.length > MAX_HEADERS) return `must be at most ${MAX_HEADERS} headers`;
  const bytes = entries.reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(value), 0);
  if (bytes > MAX_HEADERS_BYTES) return `must have at most ${MAX_HEADERS_BYTES} bytes in all`;
  const names = new Set(entries.map(([name]) => name.toLowerCase()));
  return names.size === entries.length ? null : 'must name each header once, in whatever case';
}

function passes(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
