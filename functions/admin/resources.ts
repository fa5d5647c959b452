import type { z } from 'zod';
import { type Account, formatServerAction, formatStartPolicy } from '../../shared/account.ts';
import type { Attempt, Delivery } from '../../shared/delivery.ts';
import { messageState } from '../../shared/event.ts';
import type { MessageView } from '../../shared/ports/lists.ts';
import type { Gate, Webhook } from '../../shared/webhook.ts';
import type { accountSchema } from './account-schema.ts';
import type { deliverySchema, messageSchema } from './message-schema.ts';
import type { attemptSchema, webhookSchema } from './webhook-schema.ts';

/** An account as the API shows it: without its credential and its certificates. */
export function accountResource(account: Account): z.input<typeof accountSchema> {
  return {
    id: account.id,
    name: account.name,
    protocol: account.protocol,
    host: account.host,
    port: account.port,
    security: account.security,
    username: account.username,
    auth: account.auth,
    mailboxes: [...account.mailboxes],
    intervalSeconds: account.intervalSeconds,
    start: formatStartPolicy(account.start),
    onDelivered: formatServerAction(account.onDelivered),
    onFailed: formatServerAction(account.onFailed),
    deleteAfterDays: account.deleteAfterDays,
    maxSizeBytes: account.maxSizeBytes,
    tlsAllowInvalidCertificate: account.tlsAllowInvalidCertificate,
    state: account.state,
    reason: account.reason,
    held: account.held,
    lastPollAt: account.lastPollAt,
    lastSuccessAt: account.lastSuccessAt,
    lastError: account.lastError === null ? null : { ...account.lastError },
    createdAt: account.createdAt,
  };
}

/** A webhook as the API shows it: without its secrets and the values of its headers. */
export function webhookResource(webhook: Webhook, pending: number, now: Date): z.input<typeof webhookSchema> {
  return {
    id: webhook.id,
    name: webhook.name,
    url: webhook.url,
    accounts: webhook.accounts === null ? null : [...webhook.accounts],
    events: [...webhook.events],
    filter: null,
    transform: null,
    headers: [...webhook.headerNames],
    attachments: webhook.attachments,
    timeoutSeconds: webhook.timeoutSeconds,
    maxPerMinute: null,
    state: webhook.state,
    reason: webhook.reason,
    gate: closedGate(webhook.gate, now),
    pending,
    lastSuccessAt: webhook.lastSuccessAt,
    createdAt: webhook.createdAt,
  };
}

/** A gate whose end has passed is open, whether or not its parked deliveries were released yet. */
function closedGate(gate: Gate | null, now: Date): Gate | null {
  if (gate === null || (gate.until !== null && gate.until <= now.toISOString())) return null;
  return { reason: gate.reason, until: gate.until };
}

/** An attempt as the API shows it. */
export function attemptResource(attempt: Attempt): z.input<typeof attemptSchema> {
  const { at, trigger, status, outcome, error, durationMs, response } = attempt;
  return { at, trigger, status, outcome, error, durationMs, response };
}

/** A delivery with its latest attempts, as the API shows it. */
export function deliveryResource(delivery: Delivery): z.input<typeof deliverySchema> {
  return {
    id: delivery.id,
    message: delivery.eventId,
    webhook: delivery.webhookId,
    state: delivery.state,
    attempts: delivery.attempts.map(attemptResource),
    nextAttemptAt: delivery.nextAttemptAt,
  };
}

/** A message with where its deliveries and its settlement stand, as the API shows it. */
export function messageResource({ event, deliveries }: MessageView): z.input<typeof messageSchema> {
  return {
    id: event.id,
    account: event.accountId,
    source: event.source === null ? null : { ...event.source },
    messageId: event.messageId,
    from: event.from,
    subject: event.subject,
    receivedAt: event.receivedAt,
    size: event.sizeBytes,
    state: messageState(event),
    deliveries: deliveries.map((delivery) => ({
      id: delivery.id,
      webhook: delivery.webhookId,
      state: delivery.state,
      // Only the latest attempts are kept, and only charged ones counted: whichever knows of more.
      attempts: Math.max(delivery.attempts.length, delivery.attemptCount),
      nextAttemptAt: delivery.nextAttemptAt,
    })),
    settlement: {
      action: formatServerAction(event.settlement.action),
      state: event.settlement.state,
      reason: event.settlement.reason,
    },
  };
}
