import { type Attempt, RETRY_DELAYS_MS } from '../../shared/delivery.ts';
import type { Envelope, WebhookTestData } from '../../shared/event.ts';
import { operationalEventId, type WebhookId } from '../../shared/identity.ts';
import type { DispatchDeps } from './deps.ts';
import { classify } from './outcome.ts';
import { send } from './send.ts';

const TYPE = 'webhook.test';

/**
 * Sends a signed `webhook.test` event once, through the same guard and client as any delivery, to an enabled or a disabled
 * webhook, and changes nothing of it whatever it answers. Null when there is no such webhook; throws when its secrets
 * cannot be opened.
 */
export async function testWebhook(
  deps: Pick<DispatchDeps, 'store' | 'vault' | 'post' | 'clock' | 'random'>,
  id: WebhookId,
): Promise<Attempt | null> {
  const webhook = await deps.store.webhook(id);
  if (webhook === null) return null;
  const startedAt = deps.clock.now();
  const eventId = operationalEventId(TYPE, id, startedAt.getTime());
  const data = { id: eventId, webhook: { id, name: webhook.name } };
  const event: Envelope<WebhookTestData> = { type: TYPE, timestamp: startedAt.toISOString(), data };
  const body = Buffer.from(JSON.stringify(event));
  const result = await send(deps, { webhook, eventId, eventType: TYPE, attempt: 1, trigger: 'test', body });
  const ended = { startedAt, endedAt: deps.clock.now(), trigger: 'test' as const, result };
  const verdict = classify(
    { ...ended, attemptCount: 0, reduced: true },
    { random: deps.random, delaysMs: RETRY_DELAYS_MS },
  );
  return verdict.outcome.attempt;
}
