import { createHmac, type KeyObject } from 'node:crypto';

/**
 * The `webhook-signature` of a request: `v1,` and the base64 of HMAC-SHA256 over `{id}.{timestamp}.{body}`, once for each
 * key in their order, separated by spaces (Standard Webhooks 1.0.0, "Signature scheme"). The bytes signed are the bytes sent.
 */
export function signatureHeader(
  keys: readonly KeyObject[],
  id: string,
  timestampSec: number,
  body: Uint8Array,
): string {
  const prefix = `${id}.${timestampSec}.`;
  return keys
    .map((key) => `v1,${createHmac('sha256', key).update(prefix).update(body).digest('base64')}`)
    .join(' ');
}
