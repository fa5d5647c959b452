import type { Trigger } from '../../shared/delivery.ts';
import type { EventId } from '../../shared/identity.ts';
import { MAX_TIMEOUT_SECONDS, type Webhook } from '../../shared/webhook.ts';
import type { DispatchDeps } from './deps.ts';
import { extraHeaders, signingKeys } from './opened-secrets.ts';
import type { PostResult } from './post.ts';
import { signatureHeader } from './sign.ts';

/** However long a webhook may take: a claim must outlive it. */
export const MAX_TIMEOUT_MS = MAX_TIMEOUT_SECONDS * 1_000;

/** One event on its way to one webhook. */
interface Sending {
  readonly webhook: Webhook;
  readonly eventId: EventId;
  readonly eventType: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly trigger: Trigger;
  readonly body: Uint8Array;
}

/** Signs an event with the time of now and POSTs it. Throws when the secrets cannot be opened. */
export async function send(
  deps: Pick<DispatchDeps, 'vault' | 'post' | 'clock'>,
  sending: Sending,
): Promise<PostResult> {
  const { webhook, eventId, body } = sending;
  const now = deps.clock.now();
  const [keys, extra] = await Promise.all([
    signingKeys(deps.vault, webhook, now),
    extraHeaders(deps.vault, webhook),
  ]);
  const timestampSec = Math.floor(now.getTime() / 1_000);
  return deps.post.post({
    url: webhook.url,
    body,
    timeoutMs: Math.min(webhook.timeoutSeconds * 1_000, MAX_TIMEOUT_MS),
    headers: [
      'webhook-id',
      eventId,
      'webhook-timestamp',
      String(timestampSec),
      'webhook-signature',
      signatureHeader(keys, eventId, timestampSec, body),
      'idempotency-key',
      eventId,
      'mailhook-event-type',
      sending.eventType,
      'mailhook-webhook-id',
      webhook.id,
      'mailhook-attempt',
      String(sending.attempt),
      'mailhook-trigger',
      sending.trigger,
      ...extra,
    ],
  });
}
