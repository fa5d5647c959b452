import { type FileLink, newFileLink } from '../../shared/file-link.ts';
import { eventIdOf, type WebhookId } from '../../shared/identity.ts';
import type { BlobRef } from '../../shared/ports/blobs.ts';
import type { Fetched } from '../../shared/ports/mail-source.ts';
import type { NewEvent } from '../../shared/ports/store.ts';
import type { PollDeps, PollSession } from './deps.ts';
import type { ParsedMessage, ParseJob } from './parse/types.ts';

/** A message that can become an event: its bytes, or its header section alone. */
export type Arrived = Extract<Fetched, { kind: 'raw' | 'oversize' }>;

/** Keeps the bytes, then freezes the events made of them; both durable when it resolves. */
export async function keepAndParse(
  deps: PollDeps,
  session: PollSession,
  arrived: readonly Arrived[],
  webhooks: readonly WebhookId[],
): Promise<NewEvent[]> {
  const now = deps.clock.now().toISOString();
  const raws = await Promise.all(
    arrived.map((one) => (one.kind === 'raw' ? deps.blobs.put('raw', one.bytes) : null)),
  );
  const links = await newLinks(deps, session, arrived);
  const jobs = arrived.map((one, index) => parseJob(session, one, { firstSeenAt: now, link: links[index] }));
  const sizes = jobs.map((job) => job.oversizeBytes ?? job.bytes.length);
  const parsed = await deps.parse(jobs);
  const bodies = await Promise.all(parsed.map((message) => deps.blobs.put('event', message.event)));
  return jobs.map((job, index) =>
    newEvent(job, required(parsed[index]), {
      raw: raws[index] ?? null,
      body: required(bodies[index]),
      sizeBytes: sizes[index] ?? 0,
      linkToken: links[index]?.token ?? null,
      webhooks,
    }),
  );
}

/**
 * A link for each message, made before its event is frozen with it. A poll that is cut off before the commit leaves an
 * event that nobody refers to, and a token that opens nothing; the next poll makes both anew.
 */
async function newLinks(
  { links }: PollDeps,
  { account }: PollSession,
  arrived: readonly Arrived[],
): Promise<FileLink[]> {
  if (links === null) return [];
  const publicUrl = await links.publicUrl;
  return arrived.map(({ item }) =>
    newFileLink(publicUrl, eventIdOf(account.loginId, item.source), links.random),
  );
}

function parseJob(
  session: PollSession,
  arrived: Arrived,
  { firstSeenAt, link }: { readonly firstSeenAt: string; readonly link: FileLink | undefined },
): ParseJob {
  const { item } = arrived;
  return {
    id: eventIdOf(session.account.loginId, item.source),
    account: { id: session.account.id, name: session.account.name },
    source: item.source,
    backfill: item.backfill,
    receivedAt: item.internalDate ?? firstSeenAt,
    flags: item.flags,
    labels: item.labels,
    bytes: arrived.kind === 'raw' ? arrived.bytes : arrived.head,
    oversizeBytes: arrived.kind === 'raw' ? null : arrived.sizeBytes,
    linkBase: link?.base ?? null,
  };
}

function newEvent(
  job: ParseJob,
  parsed: ParsedMessage,
  kept: {
    raw: BlobRef | null;
    body: BlobRef;
    sizeBytes: number;
    linkToken: string | null;
    webhooks: readonly WebhookId[];
  },
): NewEvent {
  return {
    id: job.id,
    type: 'message.received',
    accountId: job.account.id,
    source: job.source,
    backfill: job.backfill,
    receivedAt: job.receivedAt,
    messageId: parsed.messageId,
    from: parsed.from,
    subject: parsed.subject,
    digest: parsed.digest,
    ...kept,
  };
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError('A result is missing: there must be one for each message');
  return value;
}
