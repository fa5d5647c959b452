import type { AccountId, DeliveryRef } from './identity.ts';

/** Why an account is polled: at its scheduled time, because work is due between two, or because somebody asked. */
export type PollReason = { readonly slot: string } | 'backlog' | 'manual';

/** Up to 25 accounts of one mail host, a lease each. */
export interface PollJob {
  readonly kind: 'poll';
  readonly accounts: readonly { readonly id: AccountId; readonly reason: PollReason }[];
}

/** Deliveries of one webhook, at most 10. Carries ids only: what they mean is read from the store. */
export interface DispatchJob {
  readonly kind: 'dispatch';
  readonly deliveries: readonly DeliveryRef[];
}

/** What goes through the queues. */
export type Job = PollJob | DispatchJob;

/** SQS takes and hands over 10 at a time. */
export const DELIVERIES_PER_JOB = 10;
/** So many polls share one job: few enough to end before a function's time does. */
export const ACCOUNTS_PER_JOB = 25;
