import type { ByteRange } from '../../shared/ports/blobs.ts';

/** `bytes=`, and one range: from a byte to another, from a byte on, or the last so many bytes. */
const ONE_RANGE = /^bytes[ \t]*=[ \t]*(?:([0-9]{1,15})-([0-9]{1,15})?|-([0-9]{1,15}))[ \t]*$/i;

/**
 * What a Range header asks for of so many bytes (RFC 9110 section 14.1.2). One that is malformed, and one of several ranges,
 * count as if there were none, as section 14.2 allows.
 */
export function parseByteRange(
  header: string | undefined,
  size: number,
): ByteRange | 'whole' | 'unsatisfiable' {
  const match = header === undefined ? null : ONE_RANGE.exec(header);
  if (match === null) return 'whole';
  const [, start, end, suffix] = match;
  if (suffix !== undefined) {
    const count = Math.min(Number(suffix), size);
    return count === 0 ? 'unsatisfiable' : { first: size - count, last: size - 1 };
  }
  const first = Number(start);
  const last = end === undefined ? Number.MAX_SAFE_INTEGER : Number(end);
  if (last < first) return 'whole';
  return first >= size ? 'unsatisfiable' : { first, last: Math.min(last, size - 1) };
}

/** Whether one of the entity tags of an If-None-Match header is this one, by the weak comparison (RFC 9110 section 13.1.2). */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((one) => ['*', etag].includes(one.trim().replace(/^W\//, '')));
}
