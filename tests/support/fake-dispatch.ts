import type { DispatchDeps } from '../../functions/dispatch/deps.ts';
import { createPostClient, type PostClient } from '../../functions/dispatch/post.ts';
import type { Outcome } from '../../shared/delivery.ts';
import { createEgress } from '../../shared/egress/create-egress.ts';
import type { AccountId, EventId, WebhookId } from '../../shared/identity.ts';
import type { DispatchJob, Job } from '../../shared/jobs.ts';
import type { BlobRef } from '../../shared/ports/blobs.ts';
import type { LogFields } from '../../shared/ports/log.ts';
import type { Claim } from '../../shared/ports/store.ts';
import type { Sealed } from '../../shared/ports/vault.ts';
import type { Webhook } from '../../shared/webhook.ts';

export const SECRET = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
export const WEBHOOK_ID = `wh_${'a'.repeat(16)}` as WebhookId;

/** What a fake vault seals: the value itself, readable, for its owner. */
export const seal = (value: string, owner: string = WEBHOOK_ID): Sealed => `${owner}|${value}` as Sealed;

export function webhookFor(url: string, change: Partial<Webhook> = {}): Webhook {
  return {
    id: WEBHOOK_ID,
    name: 'hooks',
    url,
    accounts: null,
    events: ['*'],
    timeoutSeconds: 5,
    secrets: [{ sealed: seal(SECRET), expiresAt: null }],
    attachments: 'link',
    headers: null,
    headerNames: [],
    state: 'enabled',
    reason: null,
    gate: null,
    lastSuccessAt: null,
    createdAt: '2026-01-01T00:00:00.000Z',
    ...change,
  };
}

interface Finished {
  readonly claim: Claim;
  readonly outcome: Outcome;
}

/** Ports that remember what they were asked and can be told to fail, around a real client. */
export interface FakeDispatch {
  readonly deps: DispatchDeps;
  readonly post: PostClient;
  /** Puts a delivery where the next `claim` finds it; the number makes its event id. */
  add(number: number, body: string, webhook: Webhook, change?: Partial<Claim>): Claim;
  /** The job that claims these. */
  jobOf(...claims: readonly Claim[]): DispatchJob;
  readonly finished: Finished[];
  readonly claimTtlsMs: number[];
  readonly enqueued: { readonly job: Job; readonly group: string; readonly delayMs: number }[];
  readonly changes: {
    readonly id: WebhookId;
    readonly state: string | undefined;
    readonly reason: unknown;
  }[];
  readonly webhooks: Map<WebhookId, Webhook>;
  readonly blobs: Map<string, Uint8Array>;
  readonly logged: { readonly event: string; readonly fields: LogFields | undefined }[];
  readonly opened: Sealed[];
  /** What was frozen, by the event. */
  readonly frozen: Map<EventId, string>;
  /** What the attachments of any event hold. */
  contents: Readonly<Record<string, string>>;
  /** Ports that fail by throwing, while their name is in here. */
  readonly broken: Set<Port>;
  now: Date;
}

function eventIdFor(number: number): EventId {
  return `msg_${'a'.repeat(24)}${String.fromCharCode(97 + Math.floor(number / 26), 97 + (number % 26))}` as EventId;
}

type Port = 'claim' | 'freeze' | 'finish' | 'read' | 'put' | 'open';
type State = Omit<FakeDispatch, 'deps' | 'add' | 'jobOf'> & { readonly waiting: Map<EventId, Claim> };

/** Fakes of the ports of dispatch. */
export function createFakeDispatch(): FakeDispatch {
  const state: State = {
    post: createPostClient({ egress: createEgress({ policy: 'private-ok' }), keepAlive: true }),
    waiting: new Map(),
    finished: [],
    claimTtlsMs: [],
    enqueued: [],
    changes: [],
    webhooks: new Map(),
    blobs: new Map(),
    logged: [],
    opened: [],
    frozen: new Map(),
    contents: {},
    broken: new Set(),
    now: new Date(Math.floor(Date.now() / 1_000) * 1_000),
  };
  return Object.assign(state, {
    deps: createDeps(state),
    add: (number: number, body: string, webhook: Webhook, change: Partial<Claim> = {}) =>
      addClaim(state, number, body, { ...newClaim(number, webhook), ...change }),
    jobOf: (...claims: readonly Claim[]): DispatchJob => ({
      kind: 'dispatch',
      deliveries: claims.map(({ ref }) => ref),
    }),
  });
}

function newClaim(number: number, webhook: Webhook): Claim {
  return {
    ref: { eventId: eventIdFor(number), webhookId: webhook.id },
    token: `token-${number}`,
    accountId: `acc_${'a'.repeat(16)}` as AccountId,
    attemptCount: 0,
    trigger: 'schedule',
    eventType: 'message.received',
    webhook,
    body: `event-${number}` as BlobRef,
    attachments: 'link',
    frozen: false,
    reduced: false,
  };
}

function addClaim(state: State, number: number, body: string, claim: Claim): Claim {
  const own = `event-${number}`;
  if (claim.body === own) state.blobs.set(own, Buffer.from(body));
  state.waiting.set(claim.ref.eventId, claim);
  return claim;
}

function createDeps(state: State): DispatchDeps {
  const log = (event: string, fields?: LogFields) => {
    state.logged.push({ event, fields });
  };
  return {
    post: state.post,
    random: () => 0,
    clock: { now: () => state.now },
    log: { info: log, warn: log, error: log },
    queue: {
      async enqueue(jobs, { delayMs = 0 } = {}) {
        for (const { job, group } of jobs) state.enqueued.push({ job, group, delayMs });
      },
    },
    blobs: fakeBlobs(state),
    contents: async () => state.contents,
    vault: fakeVault(state),
    store: fakeStore(state),
  };
}

function work(state: State, port: Port): void {
  if (state.broken.has(port)) throw new Error(`${port} is broken`);
}

function fakeBlobs(state: State): DispatchDeps['blobs'] {
  return {
    async read(ref) {
      work(state, 'read');
      const bytes = state.blobs.get(ref);
      if (bytes === undefined) throw new Error(`There is no blob ${ref}`);
      return bytes;
    },
    async put(kind, bytes) {
      work(state, 'put');
      const ref = `${kind}-${state.blobs.size}`;
      state.blobs.set(ref, bytes);
      return ref as BlobRef;
    },
  };
}

function fakeVault(state: State): DispatchDeps['vault'] {
  return {
    seal: async (_, owner, value) => seal(Buffer.from(value).toString(), owner),
    async open(purpose, owner, sealed) {
      work(state, 'open');
      state.opened.push(sealed);
      const [sealedFor, value] = sealed.split('|');
      if (purpose !== 'webhook-secret' || sealedFor !== owner) throw new Error('It does not open');
      return Buffer.from(value ?? '');
    },
  };
}

function fakeStore(state: State): DispatchDeps['store'] {
  return {
    async claim(refs, _, ttlMs) {
      work(state, 'claim');
      state.claimTtlsMs.push(ttlMs);
      return refs.flatMap(({ eventId }) => state.waiting.get(eventId) ?? []);
    },
    async freeze({ ref }, body) {
      work(state, 'freeze');
      state.frozen.set(ref.eventId, body);
      return 'ok';
    },
    async finish(done) {
      work(state, 'finish');
      state.finished.push(...done);
    },
    webhook: async (id) => state.webhooks.get(id) ?? null,
    async updateWebhook(id, change) {
      state.changes.push({ id, state: change.state, reason: change.reason });
      return state.webhooks.get(id) ?? 'gone';
    },
  };
}
