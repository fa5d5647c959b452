import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dispatch } from '../../functions/dispatch/dispatch.ts';
import { createPostClient } from '../../functions/dispatch/post.ts';
import { enqueueDeliveries } from '../../functions/poll/commit.ts';
import { createParsePool } from '../../functions/poll/parse/parse-pool.ts';
import type { ParsedMessage, ParseJob } from '../../functions/poll/parse/types.ts';
import type { Account } from '../../shared/account.ts';
import { createEgress } from '../../shared/egress/create-egress.ts';
import { createMemoryQueue } from '../../shared/embedded/memory-queue.ts';
import { type Embedded, openEmbedded } from '../../shared/embedded/open.ts';
import { type EventId, type WebhookId, webhookIdOf } from '../../shared/identity.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import type { Fence, NewEvent } from '../../shared/ports/store.ts';
import type { Webhook } from '../../shared/webhook.ts';
import { newSecret } from '../../shared/webhook-secret.ts';
import { silentLog } from '../support/silent-log.ts';
import { type Measurement, measure } from './measure.ts';
import { batchesOf, parseAll, parseJobs } from './parse.ts';
import { startReceiverProcess } from './receiver-process.ts';
import type { Workload } from './workload.ts';

const LEASE_MS = 600_000;
const BATCH_MESSAGES = 50;

/** The parsed mails of one run, as messages of their own. */
interface Batch {
  readonly jobs: readonly ParseJob[];
  readonly parsed: readonly ParsedMessage[];
}

/**
 * The commit stage alone, raw bytes and frozen events durable and the records with their deliveries too, and the POST
 * stage alone: claim, sign, POST to a receiver in another process, record. Each is handed to `note` as it comes.
 */
export async function measureEmbedded(
  workload: Workload,
  note: (measurement: Measurement) => void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mailhook-bench-store-'));
  const receiver = await startReceiverProcess();
  const embedded = await openEmbedded({ folder, clock: systemClock });
  try {
    const webhook = await createWebhook(embedded, receiver.url);
    const runs = await parseRuns(workload, 4);
    const fence = await createAccount(embedded, runs[0]?.jobs[0]);
    const committed: EventId[][] = [];
    const committing = await measure({
      name: 'commit: raw, event and record durable',
      mails: workload.mails.length,
      bytes: workload.bytes,
      run: async () => {
        const batch = runs[committed.length];
        if (batch === undefined) throw new Error('Cannot commit: there are fewer parsed runs than runs');
        committed.push(await commitAll(embedded, fence, webhook, batch));
      },
    });
    note(committing);
    note(await measurePosting(embedded, workload, committed, webhook, receiver));
  } finally {
    await embedded.close();
    await receiver.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function parseRuns(workload: Workload, count: number): Promise<Batch[]> {
  const pool = createParsePool();
  const runs: Batch[] = [];
  for (let run = 1; run <= count; run++) {
    const jobs = parseJobs(workload, run);
    runs.push({ jobs, parsed: await parseAll(pool.parse, jobs) });
  }
  await pool.close();
  return runs;
}

async function commitAll(
  embedded: Embedded,
  fence: Fence,
  webhook: WebhookId,
  { jobs, parsed }: Batch,
): Promise<EventId[]> {
  const { store, blobs } = embedded;
  const ids: EventId[] = [];
  const pairs = jobs.map((job, index) => ({ job, message: parsed[index] }));
  for (const batch of batchesOf(pairs, BATCH_MESSAGES)) {
    const events = await Promise.all(
      batch.map(async ({ job, message }): Promise<NewEvent> => {
        if (message === undefined) throw new Error('Cannot commit: a message was not parsed');
        const { event, parseError: _parseError, ...fields } = message;
        const raw = await blobs.put('raw', job.bytes);
        const body = await blobs.put('event', event);
        return { ...eventOf(job, fields), raw, body, webhooks: [webhook] };
      }),
    );
    const answer = await store.commit(fence, events, systemClock.now());
    if (answer === 'fenced') throw new Error('Cannot commit: the lease was lost');
    ids.push(...answer.committed);
  }
  return ids;
}

function eventOf(
  job: ParseJob,
  fields: Pick<ParsedMessage, 'messageId' | 'from' | 'subject' | 'digest'>,
): Omit<NewEvent, 'raw' | 'body' | 'webhooks'> {
  return {
    ...fields,
    id: job.id,
    type: 'message.received',
    accountId: job.account.id,
    source: job.source,
    backfill: job.backfill,
    receivedAt: job.receivedAt,
    sizeBytes: job.bytes.length,
    linkToken: null,
  };
}

async function measurePosting(
  embedded: Embedded,
  workload: Workload,
  committed: readonly (readonly EventId[])[],
  webhook: WebhookId,
  receiver: Awaited<ReturnType<typeof startReceiverProcess>>,
): Promise<Measurement> {
  const post = createPostClient({ egress: createEgress({ policy: 'private-ok' }), keepAlive: true });
  const { store, blobs, vault } = embedded;
  const clock = systemClock;
  let left = 0;
  let recorded = Promise.withResolvers<void>();
  const queue = createMemoryQueue(async (job) => {
    if (job.kind === 'poll') throw new Error('Cannot poll: only deliveries are measured here');
    const contents = async () => ({});
    await dispatch(
      { store, blobs, vault, contents, clock, queue, log: silentLog, post, random: Math.random },
      job,
    );
    left -= job.deliveries.length;
    if (left <= 0) recorded.resolve();
  }, silentLog);
  let run = 0;
  try {
    return await measure({
      name: 'post: claim, sign, POST, record',
      mails: workload.mails.length,
      bytes: workload.bytes,
      others: () => [{ pid: receiver.pid }],
      run: async () => {
        const ids = committed[run++] ?? [];
        const received = receiver.received(ids.length);
        left = ids.length;
        recorded = Promise.withResolvers<void>();
        await enqueueDeliveries({ queue }, ids, [webhook]);
        await Promise.all([received, recorded.promise]);
      },
    });
  } finally {
    await queue.close();
    post.close();
  }
}

async function createWebhook({ store, vault }: Embedded, url: string): Promise<WebhookId> {
  const id = webhookIdOf(randomBytes(10));
  const sealed = await vault.seal('webhook-secret', id, Buffer.from(newSecret(randomBytes)));
  const webhook: Webhook = {
    id,
    name: 'bench',
    url,
    accounts: null,
    events: ['message.*'],
    timeoutSeconds: 15,
    secrets: [{ sealed, expiresAt: null }],
    attachments: 'link',
    headers: null,
    headerNames: [],
    state: 'enabled',
    reason: null,
    gate: null,
    lastSuccessAt: null,
    createdAt: systemClock.now().toISOString(),
  };
  if ((await store.createWebhook(webhook)) !== 'ok')
    throw new Error('Cannot create the webhook of the bench');
  return id;
}

/** The account that the jobs name, and its lease. */
async function createAccount({ store, vault }: Embedded, job: ParseJob | undefined): Promise<Fence> {
  if (job === undefined) throw new Error('Cannot create an account: there are no mails');
  const { id, name } = job.account;
  const account: Account = {
    id,
    loginId: id,
    name,
    protocol: 'imap',
    host: 'imap.example.com',
    port: 993,
    security: 'tls',
    username: 'ana@example.com',
    auth: 'password',
    credential: await vault.seal('mailbox-credential', id, Buffer.from('secret')),
    mailboxes: ['INBOX'],
    intervalSeconds: 300,
    start: { kind: 'now' },
    onDelivered: { kind: 'none' },
    onFailed: { kind: 'none' },
    deleteAfterDays: null,
    maxSizeBytes: 52_428_800,
    caPem: null,
    tlsAllowInvalidCertificate: false,
    state: 'active',
    reason: null,
    held: 0,
    notBefore: null,
    consecutiveFailures: 0,
    transitions: 0,
    lastPollAt: null,
    lastSuccessAt: null,
    lastError: null,
    createdAt: systemClock.now().toISOString(),
  };
  if ((await store.createAccount(account)) !== 'ok')
    throw new Error('Cannot create the account of the bench');
  const acquired = await store.acquire(id, 'manual', systemClock.now(), LEASE_MS);
  if (acquired.kind !== 'acquired') throw new Error(`Cannot poll the account of the bench: ${acquired.kind}`);
  return acquired.fence;
}
