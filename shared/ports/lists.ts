import type { AccountState } from '../account.ts';
import type { Delivery, DeliveryState } from '../delivery.ts';
import type { EventRecord, MessageState } from '../event.ts';
import type { AccountId, WebhookId } from '../identity.ts';

/** A part of a list. */
export interface Page<Item> {
  readonly data: readonly Item[];
  /** Opaque; null on the last page. */
  readonly next: string | null;
}

/** Which part of a list. */
export interface PageRequest {
  /** `next` of the page before; null for the first. A cursor that is not one of ours gives the first page. */
  readonly after: string | null;
  readonly limit: number;
}

/** Which messages; what is absent lets all through. */
export interface MessageFilter {
  readonly accountId?: AccountId;
  readonly state?: MessageState;
  /** Committed at or after. */
  readonly since?: Date;
}

/** Which deliveries; what is absent lets all through. */
export interface DeliveryFilter {
  readonly webhookId?: WebhookId;
  readonly state?: DeliveryState;
  /** Created at or after. */
  readonly since?: Date;
}

/** How much there is of everything. */
export interface StoreCounts {
  readonly accounts: Readonly<Record<AccountState, number>>;
  readonly deliveries: Readonly<Record<DeliveryState, number>>;
  readonly pendingMessages: number;
  readonly oldestPendingAt: Date | null;
  /** Messages that could not be fetched yet, of all accounts, and since when the first of them waits. */
  readonly waitingMessages: number;
  readonly oldestWaitingAt: Date | null;
  /** Active accounts without an enabled webhook that selects them. */
  readonly accountsWithoutWebhook: number;
  readonly lastTickAt: Date | null;
}

/** A message with its deliveries, as the API shows it. */
export interface MessageView {
  readonly event: EventRecord;
  readonly deliveries: readonly Delivery[];
}
