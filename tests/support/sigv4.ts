import { createHash, createHmac } from 'node:crypto';

/** A request as it came over the wire. */
export interface WireRequest {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

/** Whom a signature stands for, or why it stands for nobody. */
export type SignatureCheck =
  | {
      readonly ok: true;
      readonly accessKeyId: string;
      readonly date: string;
      readonly region: string;
      readonly service: string;
    }
  | { readonly ok: false; readonly reason: string };

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/**
 * Computes the signature of a request anew and compares, by the text of AWS's "Signature Version 4 for API requests" alone:
 * nothing here comes from an SDK. `secretOf` gives the secret key of an access key; null for one that is not known.
 */
export function checkSignature(
  { method, target, headers, body }: WireRequest,
  secretOf: (accessKeyId: string) => string | null,
): SignatureCheck {
  const match = AUTHORIZATION.exec(headers.authorization ?? '');
  if (match === null) return { ok: false, reason: 'not signed' };
  const [, accessKeyId = '', date = '', region = '', service = '', names = '', given = ''] = match;
  const secret = secretOf(accessKeyId);
  if (secret === null) return { ok: false, reason: 'unknown access key' };
  const signed = names.split(';');
  const mustBeSigned = Object.keys(headers).filter((name) => name === 'host' || name.startsWith('x-amz-'));
  const left = mustBeSigned.find((name) => !signed.includes(name));
  if (left !== undefined) return { ok: false, reason: `${left} is not signed` };
  const bodyHash = sha256(body);
  if ((headers['x-amz-content-sha256'] ?? bodyHash) !== bodyHash) return { ok: false, reason: 'other body' };
  const [path = '', query = ''] = target.split('?', 2);
  const canonical = [
    method,
    path.split('/').map(escaped).join('/'),
    canonicalQuery(query),
    ...signed.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    names,
    bodyHash,
  ].join('\n');
  const time = headers['x-amz-date'] ?? '';
  if (!time.startsWith(date)) return { ok: false, reason: 'the scope is of another day' };
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secret}`);
  if (hmac(key, text).toString('hex') !== given) return { ok: false, reason: 'other signature' };
  return { ok: true, accessKeyId, date, region, service };
}

/** A `+` stands for itself: only `%20` is a blank. */
function canonicalQuery(query: string): string {
  if (query === '') return '';
  return query
    .split('&')
    .map((pair) => {
      const [name = '', value = ''] = pair.split('=', 2);
      return `${escaped(decodeURIComponent(name))}=${escaped(decodeURIComponent(value))}`;
    })
    .sort()
    .join('&');
}

/** RFC 3986 section 2.3: everything but letters, digits and `-._~`. */
function escaped(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest();
}
