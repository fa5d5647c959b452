import type { IncomingHttpHeaders } from 'node:http';
import type { Webhook } from 'standardwebhooks';

const TOLERANCE_SEC = 300;

/**
 * What the reference package of Standard Webhooks finds wrong with a request; null when nothing is. Its clock is the
 * machine's, so timestamps of another clock are judged here.
 */
export function signatureFault(
  webhook: Webhook,
  body: Buffer,
  headers: IncomingHttpHeaders,
  now: (() => Date) | undefined,
): string | null {
  try {
    if (now === undefined) {
      webhook.verify(body, headers as Record<string, string>, { jsonParse: false });
      return null;
    }
    const timestampSec = Number(headers['webhook-timestamp']);
    if (Math.abs(now().getTime() / 1000 - timestampSec) > TOLERANCE_SEC) return 'timestamp out of tolerance';
    const expected = webhook.sign(String(headers['webhook-id']), new Date(timestampSec * 1000), body);
    const given = String(headers['webhook-signature']).split(' ');
    return given.includes(expected) ? null : 'No matching signature found';
  } catch (error) {
    return (error as Error).message;
  }
}
