import type { Account, AccountError, AccountSettings, AccountState, ServerAction } from '../account.ts';
import type { Delivery, Outcome, Trigger } from '../delivery.ts';
import type { EventRecord } from '../event.ts';
import type { AccountId, DeliveryRef, EventId, Source, WebhookId } from '../identity.ts';
import type { PollReason } from '../jobs.ts';
import type { SettlementCause } from '../settlement.ts';
import type { Attachments, Webhook } from '../webhook.ts';
import type { BlobRef } from './blobs.ts';
import type { DeliveryFilter, MessageFilter, MessageView, Page, PageRequest, StoreCounts } from './lists.ts';
import type { Cursor, Listed } from './mail-source.ts';
import type { Sealed } from './vault.ts';

/** Holding an account's lease. Every write of a poll carries it; a write whose lease was lost answers `fenced`. */
export interface Fence {
  readonly accountId: AccountId;
  readonly token: string;
}

/** What asking for an account's lease came to. */
export type Acquired =
  | { readonly kind: 'acquired'; readonly fence: Fence; readonly account: Account }
  /** Somebody else polls it. */
  | { readonly kind: 'busy' }
  /** The slot was polled already, or `notBefore` has not passed. */
  | { readonly kind: 'not-due' }
  /** Its state forbids it (for `manual`: only `paused`). */
  | { readonly kind: 'inactive'; readonly state: AccountState }
  | { readonly kind: 'gone' };

/** The key of a gap or a settlement within its account; opaque outside the adapter. */
export type WorkKey = string & { readonly __work: true };

/** A message below the cursor that could not be fetched yet. */
export interface Gap {
  readonly key: WorkKey;
  readonly item: Listed;
  /** New tries that failed so far: 0 when it is opened. */
  readonly attempts: number;
  readonly openedAt: Date;
  readonly dueAt: Date;
  /** Why it could not be fetched the last time, in words. */
  readonly error: string;
}

/** As many gaps and settlements as one poll is given; what is beyond waits for the next. */
export const MAX_POLL_WORK = 1_000;

/** One thing to do to a message on its server. */
export interface Settlement {
  readonly key: WorkKey;
  readonly eventId: EventId;
  readonly source: Source;
  readonly cause: SettlementCause;
  readonly action: ServerAction;
  readonly attempts: number;
  readonly dueAt: Date;
  /** When the last of the message's deliveries ended. */
  readonly endedAt: Date;
}

/** An event on its way into the store. Its counters and settlement follow from `webhooks`. */
export type NewEvent = Omit<EventRecord, 'open' | 'delivered' | 'failed' | 'settlement' | 'committedAt'> & {
  /** One delivery is made for each. */
  readonly webhooks: readonly WebhookId[];
};

/** What a poll did to the account's outstanding work, written together with the cursor. */
export interface Progress {
  /** Null when no mailbox moved on. */
  readonly cursor: Cursor | null;
  /** One for a message that has a gap already leaves that one as it is. */
  readonly opened: readonly Omit<Gap, 'key' | 'attempts' | 'openedAt'>[];
  /** Counts one more attempt. */
  readonly rescheduled: readonly { readonly key: WorkKey; readonly dueAt: Date; readonly error: string }[];
  /** Gaps that were fetched, vanished or became events are `done`; a settlement says how it ended, and why it is not done. */
  readonly closed: readonly {
    readonly key: WorkKey;
    readonly as: 'done' | 'failed' | 'void';
    /** @default null */
    readonly reason?: string | null;
  }[];
}

/**
 * How a poll ended, written when the lease is given back. Where its owner changed the credential, the state or the back-off of
 * the account meanwhile, only `at`, `backlogAt`, `transitions` and a success count: the rest is about what was before.
 */
export interface PollHealth {
  readonly at: Date;
  /** Null after a good poll: it sets `lastSuccessAt`, clears `lastError` and the count of failures. */
  readonly error: AccountError | null;
  /** A good poll all the same, but for the `error` that is shown: one mailbox of several could not be opened. @default false */
  readonly partial?: boolean;
  /** Another state, with its reason; null leaves it. A good poll of an account in `auth_failed` or `error` makes it active. */
  readonly state: { readonly state: AccountState; readonly reason: string | null } | null;
  readonly notBefore: Date | null;
  /** When the rest of what was listed is to be fetched; null when nothing is left. */
  readonly backlogAt: Date | null;
  readonly held: number;
  /** How many operational events the account has raised; see `operationalEventId`. */
  readonly transitions: number;
}

/** Something due, found by the tick. */
export type WorkRef =
  | { readonly kind: 'account'; readonly id: AccountId; readonly host: string }
  | { readonly kind: 'delivery'; readonly ref: DeliveryRef }
  /** The gate has opened with deliveries parked: release that many. */
  | { readonly kind: 'webhook'; readonly id: WebhookId; readonly release: number };

/** A delivery taken for one attempt: nobody else attempts it until `finish`, or until the lease ends. */
export interface Claim {
  readonly ref: DeliveryRef;
  readonly token: string;
  readonly accountId: AccountId;
  /** Charged attempts so far. */
  readonly attemptCount: number;
  readonly trigger: Trigger;
  readonly eventType: string;
  readonly webhook: Webhook;
  /** How the webhook took attachments when the delivery was first claimed: what was sent once is sent so again. */
  readonly attachments: Attachments;
  /** The bytes to post, or the event's own that are to be rendered first. */
  readonly body: BlobRef;
  /** Whether `body` is what was frozen for this webhook, the reduced form of it included. */
  readonly frozen: boolean;
  /** Whether `body` is the reduced form already. */
  readonly reduced: boolean;
}

/** What it takes to serve the files of a message by their link. */
export type LinkedEvent = Pick<
  EventRecord,
  'id' | 'linkToken' | 'committedAt' | 'sizeBytes' | 'raw' | 'body'
>;

/** Everything that is remembered. Each method is one atomic step, durable when it resolves. */
export interface Store {
  // -- work ---------------------------------------------------------------------------------------------------------

  /** Active accounts with a slot in `(since, now]`; each once, with the newest slot. */
  dueAccounts(
    since: Date,
    now: Date,
  ): AsyncIterable<{ readonly id: AccountId; readonly host: string; readonly slot: Date }>;
  /**
   * What is due: deliveries, accounts with gaps, settlements or a backlog (active, unleased, `notBefore` passed), gates
   * that opened. Oldest first, at most `limit`; each one's due time moves on by 2 minutes, so that nothing is found twice.
   */
  dueWork(now: Date, limit: number): Promise<readonly WorkRef[]>;
  /** When the tick last ran, or up to a minute before after a crash (`acquire` refuses slots found twice); null before the first. */
  lastTick(): Promise<Date | null>;
  saveTick(now: Date): Promise<void>;

  // -- poll ---------------------------------------------------------------------------------------------------------

  /**
   * Takes the account's lease. A slot must be newer than the last one taken; slot and backlog need an active account and
   * `notBefore` passed; `manual` takes any but a paused one, `baseline` (see `PollReason`) a paused one too.
   */
  acquire(id: AccountId, reason: PollReason | 'baseline', now: Date, ttlMs: number): Promise<Acquired>;
  /** Extends the lease; false when it was lost: given back, revoked, or taken by another after its end (not by its end alone). */
  renew(fence: Fence, now: Date, ttlMs: number): Promise<boolean>;
  /** The account's cursors, its gaps, due or not, and its settlements that are due; at most `MAX_POLL_WORK` of each, earliest due first. */
  pollState(
    id: AccountId,
    now: Date,
  ): Promise<{
    readonly cursors: readonly Cursor[];
    readonly gaps: readonly Gap[];
    readonly settlements: readonly Settlement[];
  }>;
  /** All gaps of the account, in no order that means anything. */
  gaps(id: AccountId, page: PageRequest): Promise<Page<Gap>>;
  /** Which of these events are there already. */
  known(ids: readonly EventId[]): Promise<ReadonlySet<EventId>>;
  /** Which of these message digests are on a kept event of the account. */
  knownDigests(id: AccountId, digests: readonly string[]): Promise<ReadonlySet<string>>;
  /** The enabled and disabled webhooks that select the account and take this type of event. */
  subscribers(id: AccountId, eventType: string): Promise<readonly WebhookId[]>;
  /**
   * Commits each event with its deliveries, all of one event or nothing of it. One that exists already is left alone and
   * harms no other. Deliveries are due at once, and again 2 minutes later in case the hint is lost.
   */
  commit(
    fence: Fence,
    batch: readonly NewEvent[],
    now: Date,
  ): Promise<{ readonly committed: readonly EventId[]; readonly existing: readonly EventId[] } | 'fenced'>;
  saveProgress(fence: Fence, progress: Progress, now: Date): Promise<'ok' | 'fenced'>;
  /** Gives the lease back. Does nothing when it was lost. */
  release(fence: Fence, health: PollHealth): Promise<void>;

  // -- dispatch -----------------------------------------------------------------------------------------------------

  /**
   * Takes those that are pending, due and not taken. One behind a closed gate parks instead: its webhook carries the
   * time. One whose webhook is gone is cancelled. The others are left out.
   */
  claim(refs: readonly DeliveryRef[], now: Date, ttlMs: number): Promise<readonly Claim[]>;
  /**
   * Records the bytes that are posted to this webhook in place of the event's own, before the first POST: every attempt
   * sends them. `lost` when the claim was: then nothing is to be posted.
   */
  freeze(claim: Claim, body: BlobRef): Promise<'ok' | 'lost'>;
  /**
   * Records how attempts ended, with the counters of their events; whoever ends the last open delivery writes the
   * settlement, for a `message.received` only. A claim that was lost to another is ignored, except that `delivered` always
   * counts. `disable` charges no attempt. Accounts with something to settle now are found by the tick.
   */
  finish(done: readonly { readonly claim: Claim; readonly outcome: Outcome }[], now: Date): Promise<void>;
  /** Makes up to `count` parked deliveries pending, oldest first; the webhook becomes due again while more are parked. */
  releaseParked(id: WebhookId, count: number, now: Date): Promise<readonly DeliveryRef[]>;

  // -- registry -----------------------------------------------------------------------------------------------------

  /**
   * A login or a name that is there already is refused. Names are told apart without regard to case, in lists of accounts
   * and of webhooks each, and are found so. A login is taken also when another account ever had
   * it; what is left of a removed account that had it is removed first, since its events would pass for those of this one.
   */
  createAccount(account: Account): Promise<'ok' | 'name-taken' | 'login-taken'>;
  account(id: AccountId): Promise<Account | null>;
  accountByName(name: string): Promise<Account | null>;
  accounts(page: PageRequest): Promise<Page<Account>>;
  /**
   * Changes settings, credential, state or reason; `clearBackoff` makes the next slot count again. A changed host, port or
   * user name changes `loginId` and drops the cursors' meaning: the next poll finds continuity broken (an IMAP cursor's
   * `uidValidity` is empty, a POP3 one's `listingHash` null), and a poll that runs loses its lease. A new state clears the reason
   * that is not given with it.
   */
  updateAccount(
    id: AccountId,
    change: Partial<AccountSettings> & {
      readonly loginId?: AccountId;
      readonly credential?: Sealed;
      readonly state?: AccountState;
      readonly reason?: string | null;
      readonly held?: number;
      readonly clearBackoff?: boolean;
    },
  ): Promise<Account | 'gone' | 'name-taken' | 'login-taken'>;
  /** Forgets the account's cursors and gaps; the next poll takes a baseline by `start`. A poll that runs loses its lease. */
  dropCursors(id: AccountId): Promise<void>;
  /** Removes the account with everything of it: cursors, work, events, deliveries. The blobs are swept. */
  removeAccount(id: AccountId): Promise<'ok' | 'gone'>;

  createWebhook(webhook: Webhook): Promise<'ok' | 'name-taken'>;
  webhook(id: WebhookId): Promise<Webhook | null>;
  webhookByName(name: string): Promise<Webhook | null>;
  webhooks(page: PageRequest): Promise<Page<Webhook>>;
  /** Enabling opens the gate and makes the parked due; disabling closes it. */
  updateWebhook(
    id: WebhookId,
    change: Partial<Omit<Webhook, 'id' | 'gate' | 'createdAt' | 'lastSuccessAt'>>,
    now: Date,
  ): Promise<Webhook | 'gone' | 'name-taken'>;
  /**
   * Removes the webhook; its open deliveries are cancelled. Where that ends an event's deliveries, what the others came to is
   * settled: nothing when none was delivered.
   */
  removeWebhook(id: WebhookId, now: Date): Promise<'ok' | 'gone'>;
  /** Deliveries of the webhook that are pending or parked. */
  pendingOf(ids: readonly WebhookId[]): Promise<ReadonlyMap<WebhookId, number>>;

  message(id: EventId): Promise<MessageView | null>;
  /** Of the event what its links need; null when there is none, or when its bytes are not kept any more. */
  linked(id: EventId): Promise<LinkedEvent | null>;
  /** Messages (no operational events), newest first. */
  messages(filter: MessageFilter, page: PageRequest): Promise<Page<MessageView>>;
  delivery(ref: DeliveryRef): Promise<Delivery | null>;
  /** Newest first. */
  deliveries(filter: DeliveryFilter, page: PageRequest): Promise<Page<Delivery>>;
  /**
   * Makes a delivery due now, whatever its state: a parked, waiting or ended one starts its schedule anew; one that does
   * not exist yet (the webhook came later) is made. An attempt under way loses its claim. What is not settled yet waits until
   * the deliveries have ended again; a done settlement is not reopened, and after a success nothing is done that a failure
   * asks for. `gone` when the event, its bytes or the webhook are.
   */
  replay(ref: DeliveryRef, trigger: 'retry' | 'replay', now: Date): Promise<'ok' | 'gone'>;
  counts(): Promise<StoreCounts>;
}
