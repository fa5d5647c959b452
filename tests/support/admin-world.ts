import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Hono } from 'hono';
import { createAdminApp } from '../../functions/admin/app.ts';
import { createEgress } from '../../shared/egress/create-egress.ts';
import { type Embedded, openEmbedded } from '../../shared/embedded/open.ts';
import {
  type AccountId,
  type EventId,
  eventIdOf,
  parseAccountId,
  parseWebhookId,
  type WebhookId,
} from '../../shared/identity.ts';
import type { BlobRef } from '../../shared/ports/blobs.ts';
import type { LogFields } from '../../shared/ports/log.ts';
import { FakeOperations } from './fake-operations.ts';

/** The JSON of an answer, with the fields that tests look into; which of them are there depends on the route. */
export interface AnswerBody {
  readonly [key: string]: unknown;
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly secret: string;
  readonly headers: readonly string[];
  readonly port: number;
  readonly accounts: readonly string[] | null;
  readonly subject: string | null;
  readonly data: readonly AnswerBody[];
  readonly next: string | null;
  readonly deliveries: readonly { readonly id: string; readonly webhook: string; readonly state: string }[];
  readonly errors: readonly { readonly path: string; readonly message: string }[];
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/** An answer of the API, read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: AnswerBody;
}

/** The HTTP API on the real embedded store, with poll and dispatch faked and the time in the test's hand. */
export interface AdminWorld {
  readonly app: Hono;
  readonly embedded: Embedded;
  readonly operations: FakeOperations;
  readonly clock: { now(): Date; advance(ms: number): void };
  readonly logged: { event: string; fields: LogFields | undefined }[];
  /** Sends a request, with JSON when there is a body. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Commits messages of an account as a poll would, with deliveries to the webhooks that take them; newest last. */
  commit(accountId: string, subjects: readonly string[]): Promise<EventId[]>;
  /** Makes messages of an account wait as gaps, one for each error, to be tried again in a minute. */
  openGaps(accountId: string, errors: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export async function createAdminWorld(): Promise<AdminWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'mailhook-admin-'));
  let nowMs = Date.parse('2026-03-01T12:00:00.000Z');
  const clock = {
    now: () => new Date(nowMs),
    advance(ms: number) {
      nowMs += ms;
    },
  };
  const embedded = await openEmbedded({ folder, clock });
  const operations = new FakeOperations();
  operations.secrets = async (id) => {
    const newest = (await embedded.store.webhook(id))?.secrets[0];
    if (newest === undefined) return null;
    return Buffer.from(await embedded.vault.open('webhook-secret', id, newest.sealed)).toString('utf8');
  };
  const logged: AdminWorld['logged'] = [];
  const log = (event: string, fields?: LogFields) => void logged.push({ event, fields });
  const app = createAdminApp({
    store: embedded.store,
    blobs: embedded.blobs,
    vault: embedded.vault,
    linkDays: 30,
    egress: createEgress({ policy: 'private-ok' }),
    operations,
    clock,
    random: randomBytes,
    log: { info: log, warn: log, error: log },
    version: '1.2.3',
  });
  let committed = 0;
  return {
    app,
    embedded,
    operations,
    clock,
    logged,
    async call(method, path, body, headers = {}) {
      const init: RequestInit = { method, headers: { 'content-type': 'application/json', ...headers } };
      if (body !== undefined) init.body = typeof body === 'string' ? body : JSON.stringify(body);
      const response = await app.request(path, init);
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        text,
        body: parseJson(text) as AnswerBody,
      };
    },
    async commit(accountId, subjects) {
      const ids: EventId[] = [];
      for (const subject of subjects) {
        committed += 1;
        ids.push(await commitMessage(embedded, accountId as AccountId, subject, committed, clock.now()));
      }
      return ids;
    },
    openGaps: (accountId, errors) => openGaps(embedded, accountId as AccountId, errors, clock.now()),
    async close() {
      await embedded.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function commitMessage(
  { store, blobs }: Embedded,
  accountId: AccountId,
  subject: string,
  uid: number,
  now: Date,
): Promise<EventId> {
  const acquired = await store.acquire(accountId, 'baseline', now, 60_000);
  if (acquired.kind !== 'acquired') throw new Error(`The account is ${acquired.kind}`);
  const source = { protocol: 'imap', mailbox: 'INBOX', uidValidity: '1', uid } as const;
  const id = eventIdOf(acquired.account.loginId, source);
  const raw: BlobRef = await blobs.put(
    'raw',
    Buffer.from(`Subject: ${subject}\r\n\r\nbytes \xff of ${uid}`, 'latin1'),
  );
  const body = await blobs.put('event', Buffer.from('{}'));
  const event = {
    id,
    type: 'message.received',
    accountId,
    source,
    backfill: false,
    receivedAt: now.toISOString(),
    messageId: `<${uid}@example.com>`,
    from: 'Ana <ana@example.com>',
    subject,
    sizeBytes: 100,
    linkToken: null,
    digest: null,
    raw,
    body,
    webhooks: await store.subscribers(accountId, 'message.received'),
  };
  const result = await store.commit(acquired.fence, [event], now);
  if (result === 'fenced') throw new Error('The lease was lost');
  await store.release(acquired.fence, {
    at: now,
    error: null,
    state: null,
    notBefore: null,
    backlogAt: null,
    held: acquired.account.held,
    transitions: acquired.account.transitions,
  });
  return id;
}

async function openGaps(
  { store }: Embedded,
  accountId: AccountId,
  errors: readonly string[],
  now: Date,
): Promise<void> {
  const acquired = await store.acquire(accountId, 'baseline', now, 60_000);
  if (acquired.kind !== 'acquired') throw new Error(`The account is ${acquired.kind}`);
  const dueAt = new Date(now.getTime() + 60_000);
  const opened = errors.map((error, index) => ({
    item: {
      source: { protocol: 'imap', mailbox: 'INBOX', uidValidity: '1', uid: index + 1 } as const,
      ...{ sizeBytes: 5, internalDate: null, flags: [], labels: [], backfill: false },
    },
    dueAt,
    error,
  }));
  await store.saveProgress(acquired.fence, { cursor: null, opened, rescheduled: [], closed: [] }, now);
  const { held, transitions } = acquired.account;
  const health = { error: null, state: null, notBefore: null, backlogAt: null, held, transitions };
  await store.release(acquired.fence, { at: now, ...health });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** The id of an account that the API answered with. */
export function accountId(body: AnswerBody): AccountId {
  const id = parseAccountId(body.id);
  if (id === null) throw new Error(`Not an account id: ${JSON.stringify(body)}`);
  return id;
}

/** The id of a webhook that the API answered with. */
export function webhookId(body: AnswerBody): WebhookId {
  const id = parseWebhookId(body.id);
  if (id === null) throw new Error(`Not a webhook id: ${JSON.stringify(body)}`);
  return id;
}

/** A valid body of `POST /v1/accounts`. */
export function accountBody(change: Record<string, unknown> = {}): Record<string, unknown> {
  return { name: 'ana', host: 'imap.example.com', username: 'ana@example.com', password: 'pw-1', ...change };
}
