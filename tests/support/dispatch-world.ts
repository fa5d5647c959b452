import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DispatchDeps } from '../../functions/dispatch/deps.ts';
import { dispatch } from '../../functions/dispatch/dispatch.ts';
import { createPostClient } from '../../functions/dispatch/post.ts';
import { plan } from '../../functions/poll/plan.ts';
import type { Delivery } from '../../shared/delivery.ts';
import { createEgress } from '../../shared/egress/create-egress.ts';
import { type Embedded, openEmbedded } from '../../shared/embedded/open.ts';
import {
  type AccountId,
  type EventId,
  eventIdOf,
  type WebhookId,
  webhookIdOf,
} from '../../shared/identity.ts';
import type { Job } from '../../shared/jobs.ts';
import type { QueuedJob } from '../../shared/ports/queue.ts';
import type { Sealed } from '../../shared/ports/vault.ts';
import type { Webhook } from '../../shared/webhook.ts';
import { silentLog } from './silent-log.ts';

const ACCOUNT_ID = `acc_${'a'.repeat(16)}` as AccountId;

/** Dispatch on a store of its own, with a clock that the test sets and nothing that runs by itself. */
export interface DispatchWorld extends AsyncDisposable {
  readonly embedded: Embedded;
  readonly deps: DispatchDeps;
  readonly clock: { time: number; now(): Date };
  /** Registers a webhook for all events, signing with this secret. */
  addWebhook(url: string, secret: string, change?: Partial<Webhook>): Promise<Webhook>;
  /** Commits events with these bodies, one delivery for each webhook there is. */
  commit(bodies: readonly string[]): Promise<readonly EventId[]>;
  /** One tick: plans what is due and dispatches it to the end. Answers how many deliveries were due. */
  tick(): Promise<number>;
  deliveriesOf(webhookId: WebhookId): Promise<readonly Delivery[]>;
}

/** Opens a world in a temporary folder. */
export async function openDispatchWorld(): Promise<DispatchWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'mailhook-dispatch-'));
  const clock = { time: Date.parse('2026-11-25T08:00:00Z'), now: () => new Date(clock.time) };
  const embedded = await openEmbedded({ folder, clock, synchronous: 'OFF' });
  const { store, blobs, vault } = embedded;
  const post = createPostClient({ egress: createEgress({ policy: 'private-ok' }), keepAlive: true });
  const jobs: Job[] = [];
  const deps: DispatchDeps = {
    ...{ store, blobs, vault, post, clock, log: silentLog, random: () => 0 },
    // What dispatch enqueues for later is due in the store as well.
    queue: { enqueue: async () => undefined },
    contents: async () => ({}),
  };
  const queue = {
    enqueue: async (some: readonly QueuedJob[]) => void jobs.push(...some.map(({ job }) => job)),
  };
  await createAccount(embedded);
  let events = 0;
  let webhooks = 0;
  return {
    embedded,
    deps,
    clock,
    async addWebhook(url, secret, change = {}) {
      webhooks += 1;
      const webhook = { ...(await newWebhook(embedded, webhooks, url, secret, clock.now())), ...change };
      await store.createWebhook(webhook);
      return webhook;
    },
    commit(bodies) {
      events += bodies.length;
      return commit(embedded, events - bodies.length, bodies, clock.now());
    },
    async tick() {
      const { deliveries } = await plan({ ...deps, store, queue });
      for (const job of jobs.splice(0)) if (job.kind === 'dispatch') await dispatch(deps, job);
      return deliveries;
    },
    async deliveriesOf(webhookId) {
      return (await store.deliveries({ webhookId }, { after: null, limit: 200 })).data;
    },
    async [Symbol.asyncDispose]() {
      post.close();
      await embedded.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function newWebhook(
  { vault }: Embedded,
  number: number,
  url: string,
  secret: string,
  now: Date,
): Promise<Webhook> {
  const id = webhookIdOf(new Uint8Array(10).fill(number));
  const sealed = await vault.seal('webhook-secret', id, Buffer.from(secret));
  return {
    ...{
      id,
      name: id,
      url,
      accounts: null,
      events: ['*'],
      timeoutSeconds: 5,
      attachments: 'link',
      headers: null,
      headerNames: [],
    },
    secrets: [{ sealed, expiresAt: null }],
    ...{ state: 'enabled', reason: null, gate: null, lastSuccessAt: null },
    createdAt: now.toISOString(),
  };
}

/** Commits events with UIDs above `lastUid`. */
async function commit(
  { store, blobs }: Embedded,
  lastUid: number,
  bodies: readonly string[],
  now: Date,
): Promise<readonly EventId[]> {
  const taken = await store.acquire(ACCOUNT_ID, 'manual', now, 60_000);
  if (taken.kind !== 'acquired') throw new Error(`The account is ${taken.kind}`);
  const webhooks = await store.subscribers(ACCOUNT_ID, 'message.received');
  const batch = await Promise.all(
    bodies.map(async (body, index) =>
      newEvent(lastUid + index + 1, await blobs.put('event', Buffer.from(body)), webhooks, now),
    ),
  );
  const answer = await store.commit(taken.fence, batch, now);
  if (answer === 'fenced') throw new Error('The lease is lost');
  const nothing = { error: null, state: null, notBefore: null, backlogAt: null };
  await store.release(taken.fence, { at: now, ...nothing, held: 0, transitions: 0 });
  return answer.committed;
}

function newEvent(
  uid: number,
  body: Awaited<ReturnType<Embedded['blobs']['put']>>,
  webhooks: readonly WebhookId[],
  now: Date,
) {
  const source = { protocol: 'imap', mailbox: 'INBOX', uidValidity: '1', uid } as const;
  const nothing = { messageId: null, from: null, subject: null, digest: null, raw: null, linkToken: null };
  return {
    id: eventIdOf(ACCOUNT_ID, source),
    type: 'message.received',
    accountId: ACCOUNT_ID,
    source,
    backfill: false,
    receivedAt: now.toISOString(),
    sizeBytes: 1,
    ...nothing,
    body,
    webhooks,
  };
}

async function createAccount({ store }: Embedded): Promise<void> {
  await store.createAccount({
    ...{ id: ACCOUNT_ID, loginId: ACCOUNT_ID, name: 'ana', protocol: 'imap', host: '127.0.0.1', port: 143 },
    ...{ security: 'none', username: 'ana', mailboxes: ['INBOX'], intervalSeconds: 86_400 },
    ...{ start: { kind: 'now' }, onDelivered: { kind: 'none' }, onFailed: { kind: 'none' } },
    ...{ deleteAfterDays: null, maxSizeBytes: 1_000_000, caPem: null, tlsAllowInvalidCertificate: false },
    ...{
      auth: 'password',
      credential: '' as Sealed,
      state: 'active',
      reason: null,
      held: 0,
      notBefore: null,
    },
    ...{ consecutiveFailures: 0, transitions: 0, lastPollAt: null, lastSuccessAt: null, lastError: null },
    createdAt: '2026-01-01T00:00:00.000Z',
  });
}
