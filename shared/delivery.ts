import type { AccountId, DeliveryId, EventId, WebhookId } from './identity.ts';
import type { BlobRef } from './ports/blobs.ts';

/** Where a delivery can stand. */
export const DELIVERY_STATES = [
  'pending',
  'parked',
  'delivered',
  'skipped',
  'exhausted',
  'rejected',
  'cancelled',
] as const;

/** Open: `pending` waits for its attempt, `parked` behind the gate of its webhook. All others have ended. */
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** Why an attempt was made: by the schedule, or because somebody asked for a retry, a replay or a test. */
export type Trigger = 'schedule' | 'retry' | 'replay' | 'test';

/** One POST of a delivery. */
export interface Attempt {
  readonly at: string;
  readonly trigger: Trigger;
  /** The HTTP status; null when no response came. */
  readonly status: number | null;
  /** In a word: `delivered`, `http-error`, `redirect`, `timeout`, `network`, `tls`, `egress`, `gone`, `disabled`, `aborted`, `internal`. */
  readonly outcome: string;
  /** One line for a person; null after a 2xx. */
  readonly error: string | null;
  readonly durationMs: number;
  /** At most 4 KiB of the response body as text; null when there was none. */
  readonly response: string | null;
}

/** One event for one webhook. */
export interface Delivery {
  readonly id: DeliveryId;
  readonly eventId: EventId;
  readonly webhookId: WebhookId;
  readonly accountId: AccountId;
  readonly state: DeliveryState;
  /** The latest 20, oldest first. */
  readonly attempts: readonly Attempt[];
  /** Attempts that count against the schedule. */
  readonly attemptCount: number;
  /** Null when ended or parked. */
  readonly nextAttemptAt: string | null;
  /** The bytes for this webhook; null for the event's own. */
  readonly body: BlobRef | null;
  readonly createdAt: string;
  readonly endedAt: string | null;
}

/** How an attempt ended, and so what becomes of its delivery. */
export type Outcome =
  | { readonly kind: 'delivered'; readonly attempt: Attempt }
  | {
      readonly kind: 'retry';
      readonly attempt: Attempt;
      /** False when the fault was ours or the receiver asked to wait (429): the schedule does not move on. */
      readonly charged: boolean;
      readonly nextAttemptAt: Date;
      /** Closes the gate of the webhook for all its deliveries until then (Retry-After). */
      readonly gateUntil: Date | null;
      /** Replaces the delivery's bytes from the next attempt on (the reduced form after a 413); null keeps them. */
      readonly nextBody: BlobRef | null;
    }
  | { readonly kind: 'exhausted'; readonly attempt: Attempt }
  /** The receiver said that it will never take this one. */
  | { readonly kind: 'rejected'; readonly attempt: Attempt }
  /** The webhook is disabled with this reason, and the delivery parks behind it. */
  | { readonly kind: 'disable'; readonly attempt: Attempt; readonly reason: string };

/** Delays after the 1st, 2nd, … charged attempt: with the first attempt 10 over 75 h 35 m 05 s (Standard Webhooks, "Deliverability"). */
export const RETRY_DELAYS_MS: readonly number[] = [
  5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 50_400_000, 72_000_000, 86_400_000,
];

/**
 * The delay before the next attempt after `attemptCount` charged ones, in ms; null when they are exhausted.
 * Jitter is only ever added (up to 20 %, at least up to 5 s), so no attempt comes earlier than promised.
 */
export function retryDelayMs(
  attemptCount: number,
  random: () => number,
  delaysMs: readonly number[] = RETRY_DELAYS_MS,
): number | null {
  const base = delaysMs[attemptCount - 1];
  if (base === undefined) return null;
  return base + Math.floor(random() * Math.max(base * 0.2, Math.min(base, 5_000)));
}

/** Which of its event's counters a delivery of this state counts in; null in none, as one that is not there yet. */
export function counterOf(state: DeliveryState | null): 'open' | 'delivered' | 'failed' | null {
  switch (state) {
    case 'pending':
    case 'parked':
      return 'open';
    case 'delivered':
      return 'delivered';
    case 'exhausted':
    case 'rejected':
      return 'failed';
    case 'skipped':
    case 'cancelled':
    case null:
      return null;
  }
}
