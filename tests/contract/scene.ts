import type { Account, AccountSettings } from '../../shared/account.ts';
import type { Attempt, Outcome } from '../../shared/delivery.ts';
import {
  type AccountId,
  accountIdOf,
  type DeliveryRef,
  type EventId,
  eventIdOf,
  type Source,
  type WebhookId,
  webhookIdOf,
} from '../../shared/identity.ts';
import type { Blobs } from '../../shared/ports/blobs.ts';
import type { ImapCursor, Listed } from '../../shared/ports/mail-source.ts';
import type { Claim, Fence, NewEvent, PollHealth, Progress, Store } from '../../shared/ports/store.ts';
import type { Sealed } from '../../shared/ports/vault.ts';
import type { Webhook } from '../../shared/webhook.ts';

import { type OpenedStore, type TestClock, TTL } from './fixtures.ts';

/** A part of the contract: the tests of one concern, each on an empty store. */
export type StoreTests = (scene: () => Scene) => void;

/** Short ways to the situations that the tests are about. */
export class Scene {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly clock: TestClock;
  #uid: number;
  #webhooks = 0;

  /** The messages of a second scene on the same store need UIDs above those of the first. */
  constructor({ store, blobs, clock }: Omit<OpenedStore, 'close'>, lastUid = 0) {
    this.#uid = lastUid;
    this.store = store;
    this.blobs = blobs;
    this.clock = clock;
  }

  get now(): Date {
    return this.clock.now();
  }

  /** An account that is not stored. */
  account(username = 'ana', change: Partial<Account> = {}): Account {
    const settings: AccountSettings = {
      name: username,
      protocol: 'imap',
      host: 'imap.example.com',
      port: 993,
      security: 'tls',
      username,
      mailboxes: ['INBOX'],
      intervalSeconds: 300,
      start: { kind: 'now' },
      onDelivered: { kind: 'none' },
      onFailed: { kind: 'none' },
      deleteAfterDays: null,
      maxSizeBytes: 1_000_000,
      caPem: null,
      tlsAllowInvalidCertificate: false,
    };
    const id = accountIdOf({ ...settings, ...change });
    return {
      ...settings,
      ...{ id, loginId: id, auth: 'password', credential: 'sealed' as Sealed },
      ...{ state: 'active', reason: null, held: 0, notBefore: null, consecutiveFailures: 0, transitions: 0 },
      ...{ lastPollAt: null, lastSuccessAt: null, lastError: null, createdAt: this.now.toISOString() },
      ...change,
    };
  }

  async addAccount(username = 'ana', change: Partial<Account> = {}): Promise<Account> {
    const account = this.account(username, change);
    expectOk(await this.store.createAccount(account));
    return account;
  }

  /** A webhook that is not stored. */
  webhook(change: Partial<Webhook> = {}): Webhook {
    this.#webhooks += 1;
    const id = webhookIdOf(new Uint8Array(10).fill(this.#webhooks));
    return {
      ...{ id, name: `hook ${this.#webhooks}`, url: 'https://hooks.example.com/', accounts: null },
      ...{ events: ['message.*'], timeoutSeconds: 15, attachments: 'link', headers: null, headerNames: [] },
      secrets: [{ sealed: 'sealed' as Sealed, expiresAt: null }],
      ...{ state: 'enabled', reason: null, gate: null, lastSuccessAt: null },
      createdAt: this.now.toISOString(),
      ...change,
    };
  }

  async addWebhook(change: Partial<Webhook> = {}): Promise<Webhook> {
    const webhook = this.webhook(change);
    expectOk(await this.store.createWebhook(webhook));
    return webhook;
  }

  async lease(id: AccountId): Promise<Fence> {
    const acquired = await this.store.acquire(id, 'manual', this.now, TTL);
    if (acquired.kind !== 'acquired') throw new Error(`No lease: ${acquired.kind}`);
    return acquired.fence;
  }

  source(): Source {
    this.#uid += 1;
    return { protocol: 'imap', mailbox: 'INBOX', uidValidity: '7', uid: this.#uid };
  }

  /** A message on its way, with blobs of its own. */
  async event(
    account: Account,
    webhooks: readonly WebhookId[],
    change: Partial<NewEvent> = {},
  ): Promise<NewEvent> {
    const source = change.source === undefined ? this.source() : change.source;
    const id = source === null ? (`msg_${'o'.repeat(26)}` as EventId) : eventIdOf(account.loginId, source);
    return {
      ...{ id, type: 'message.received', accountId: account.id, source, backfill: false },
      ...{
        receivedAt: this.now.toISOString(),
        messageId: `<${id}@example.com>`,
        from: 'Bo <bo@example.com>',
      },
      ...{ subject: 'Hello', sizeBytes: 123, digest: `digest of ${id}`, linkToken: null, webhooks },
      raw: await this.blobs.put('raw', Buffer.from(`raw ${id}`)),
      body: await this.blobs.put('event', Buffer.from(`event ${id}`)),
      ...change,
    };
  }

  /** Commits one message for each of so many, under a lease that is given back. */
  async commit(account: Account, webhooks: readonly WebhookId[], count = 1): Promise<EventId[]> {
    const fence = await this.lease(account.id);
    const batch = await Promise.all(Array.from({ length: count }, () => this.event(account, webhooks)));
    const answer = await this.store.commit(fence, batch, this.now);
    await this.store.release(fence, this.health());
    if (answer === 'fenced') throw new Error('The lease is lost');
    return [...answer.committed];
  }

  /** Commits one message for one webhook and takes its delivery. */
  async commitAndClaim(account: Account, webhookId: WebhookId): Promise<Claim> {
    const [eventId] = await this.commit(account, [webhookId]);
    return await this.claim({ eventId: eventId as EventId, webhookId });
  }

  async claim(ref: DeliveryRef): Promise<Claim> {
    const [claim] = await this.store.claim([ref], this.now, TTL);
    if (claim === undefined) throw new Error('The delivery cannot be claimed');
    return claim;
  }

  attempt(change: Partial<Attempt> = {}): Attempt {
    const at = this.now.toISOString();
    return {
      ...{
        at,
        trigger: 'schedule',
        status: 200,
        outcome: 'delivered',
        error: null,
        durationMs: 12,
        response: 'ok',
      },
      ...change,
    };
  }

  delivered(): Outcome {
    return { kind: 'delivered', attempt: this.attempt() };
  }

  exhausted(): Outcome {
    return { kind: 'exhausted', attempt: this.attempt({ status: 500, outcome: 'http-error', error: 'no' }) };
  }

  retry(afterMs: number, change: Partial<Extract<Outcome, { kind: 'retry' }>> = {}): Outcome {
    const attempt = this.attempt({ status: 500, outcome: 'http-error', error: 'no' });
    const nextAttemptAt = new Date(this.clock.nowMs + afterMs);
    return {
      kind: 'retry',
      attempt,
      charged: true,
      nextAttemptAt,
      gateUntil: null,
      nextBody: null,
      ...change,
    };
  }

  /** Takes the delivery of a message and ends it so. */
  async end(ref: DeliveryRef, outcome: Outcome): Promise<void> {
    const claim = await this.claim(ref);
    await this.store.finish([{ claim, outcome }], this.now);
  }

  health(change: Partial<PollHealth> = {}): PollHealth {
    return {
      ...{
        at: this.now,
        error: null,
        state: null,
        notBefore: null,
        backlogAt: null,
        held: 0,
        transitions: 0,
      },
      ...change,
    };
  }

  progress(change: Partial<Progress> = {}): Progress {
    return { cursor: null, opened: [], rescheduled: [], closed: [], ...change };
  }

  cursor(change: Partial<ImapCursor> = {}): ImapCursor {
    return {
      ...{ protocol: 'imap', mailbox: 'INBOX', uidValidity: '7', lastUid: 12, recent: [10, 11, 12] },
      ...{ uidNext: 13, exists: 12, mailboxId: null, backfill: null },
      ...change,
    };
  }

  listed(change: Partial<Listed> = {}): Listed {
    return {
      ...{
        source: this.source(),
        sizeBytes: 5,
        internalDate: null,
        flags: ['\\Seen'],
        labels: [],
        backfill: false,
      },
      ...change,
    };
  }
}

function expectOk(answer: string): void {
  if (answer !== 'ok') throw new Error(`Cannot set the scene: ${answer}`);
}
