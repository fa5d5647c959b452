import type { WebhookId } from '../../shared/identity.ts';
import { DELIVERIES_PER_JOB } from '../../shared/jobs.ts';
import type { Fetched, Listed } from '../../shared/ports/mail-source.ts';
import type { QueuedJob } from '../../shared/ports/queue.ts';
import type { NewEvent } from '../../shared/ports/store.ts';
import type { ReleaseBytes } from './byte-budget.ts';
import { FencedError, type PollDeps, type PollSession } from './deps.ts';
import { type Arrived, keepAndParse } from './keep-and-parse.ts';

/** Messages that go through together: one parse call, one commit. */
const BATCH_MESSAGES = 50;
const BATCH_BYTES = 4 * 1024 * 1024;
/** Batches under way at once: fetching, parsing and committing overlap. Bounds the memory of a poll. */
const BATCHES_IN_FLIGHT = 3;

/** How the messages of a listing fared, in the order they were asked for. */
export interface Ingested {
  readonly committed: number;
  /** The first so many are dealt with; fewer than asked when the time was up. */
  readonly done: readonly Listed[];
  readonly failed: readonly { readonly item: Listed; readonly error: string }[];
}

/** Is called with all that is dealt with so far, after each commit, and may save the cursor. */
export type AfterBatch = (done: readonly Listed[], failed: Ingested['failed']) => Promise<void>;

/**
 * Turns listed messages into committed events, in the order of writes that loses nothing: raw bytes, then the frozen
 * event, then the record with its deliveries, then the hint that they are there. Marks nothing on the server.
 */
export async function ingest(
  deps: PollDeps,
  session: PollSession,
  items: readonly Listed[],
  afterBatch: AfterBatch,
): Promise<Ingested> {
  if (items.length === 0) return { committed: 0, done: [], failed: [] };
  const webhooks = await deps.store.subscribers(session.account.id, 'message.received');
  const pipeline = new Pipeline(deps, session, webhooks, afterBatch);
  const limits = { maxSizeBytes: session.account.maxSizeBytes };
  try {
    for await (const fetched of session.source.fetch(items, limits)) {
      await pipeline.take(fetched);
      if (!session.goOn()) break;
    }
    await pipeline.drain();
  } catch (error) {
    // What arrived before the failure is whole: it is committed, so that a drop at every hundredth message still gets on.
    await pipeline.drain();
    throw error;
  } finally {
    await pipeline.end();
  }
  return pipeline.result();
}

class Pipeline {
  readonly #deps: PollDeps;
  readonly #session: PollSession;
  readonly #webhooks: readonly WebhookId[];
  readonly #afterBatch: AfterBatch;
  #batch: Fetched[] = [];
  #batchBytes = 0;
  /** What the batch that is being gathered takes of the process's budget. */
  #held: ReleaseBytes[] = [];
  readonly #inFlight: Promise<void>[] = [];
  /** Batches that have not ended; also those whose failure was thrown already. */
  readonly #underWay = new Set<Promise<void>>();
  /** Commits happen in the order of the messages, whichever batch is parsed first. */
  #lastCommit: Promise<void> = Promise.resolve();
  readonly #done: Listed[] = [];
  readonly #failed: { item: Listed; error: string }[] = [];
  #committed = 0;

  constructor(deps: PollDeps, session: PollSession, webhooks: readonly WebhookId[], afterBatch: AfterBatch) {
    this.#deps = deps;
    this.#session = session;
    this.#webhooks = webhooks;
    this.#afterBatch = afterBatch;
  }

  async take(fetched: Fetched): Promise<void> {
    const bytes = bytesOf(fetched);
    if (bytes > 0) {
      const release = await this.#reserve(bytes);
      this.#held.push(release);
    }
    this.#batch.push(fetched);
    this.#batchBytes += bytes;
    if (this.#batch.length >= BATCH_MESSAGES || this.#batchBytes >= BATCH_BYTES) await this.#flush();
  }

  async drain(): Promise<void> {
    if (this.#batch.length > 0) await this.#flush();
    await Promise.all(this.#inFlight.splice(0));
  }

  /** To be called last, however it went: nothing is under way any more, and everything is given back, when it resolves. */
  async end(): Promise<void> {
    for (const release of this.#held.splice(0)) release();
    await Promise.allSettled(this.#underWay);
  }

  /** Who has to wait hands on what was gathered first: it is given back in time, and nobody waits for one who waits. */
  async #reserve(bytes: number): Promise<ReleaseBytes> {
    const release = this.#deps.budget.tryTake(bytes);
    if (release !== null) return release;
    if (this.#batch.length > 0) await this.#flush();
    return await this.#deps.budget.take(bytes);
  }

  result(): Ingested {
    return { committed: this.#committed, done: this.#done, failed: this.#failed };
  }

  async #flush(): Promise<void> {
    if (this.#inFlight.length >= BATCHES_IN_FLIGHT) await this.#inFlight.shift();
    const batch = this.#batch;
    const held = this.#held;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#held = [];
    const running = this.#process(batch, this.#lastCommit).finally(() => {
      for (const release of held) release();
      this.#underWay.delete(running);
    });
    this.#underWay.add(running);
    // A failure surfaces where the batch is awaited; until then it must not count as unhandled.
    running.catch(() => undefined);
    this.#lastCommit = running;
    this.#inFlight.push(running);
  }

  async #process(batch: readonly Fetched[], before: Promise<void>): Promise<void> {
    const arrived = batch.filter((fetched): fetched is Arrived => 'bytes' in fetched || 'head' in fetched);
    const events = await keepAndParse(this.#deps, this.#session, arrived, this.#webhooks);
    await before;
    if (events.length > 0) {
      const answer = await this.#deps.store.commit(this.#session.fence, events, this.#deps.clock.now());
      if (answer === 'fenced') throw new FencedError('Another poll holds the lease');
      this.#committed += answer.committed.length;
      await enqueueDeliveries(this.#deps, answer.committed, this.#webhooks);
    }
    for (const fetched of batch) {
      this.#done.push(fetched.item);
      if (fetched.kind === 'failed') this.#failed.push({ item: fetched.item, error: fetched.error });
    }
    await this.#afterBatch(this.#done, this.#failed);
  }
}

/** What a fetched message holds in memory. */
function bytesOf(fetched: Fetched): number {
  if (fetched.kind === 'raw') return fetched.bytes.length;
  return fetched.kind === 'oversize' ? fetched.head.length : 0;
}

/** Tells dispatch of new deliveries. Only a hint: the store has them due again in two minutes. */
export async function enqueueDeliveries(
  deps: Pick<PollDeps, 'queue'>,
  eventIds: readonly NewEvent['id'][],
  webhooks: readonly WebhookId[],
): Promise<void> {
  const jobs: QueuedJob[] = [];
  for (const webhookId of webhooks) {
    for (let at = 0; at < eventIds.length; at += DELIVERIES_PER_JOB) {
      const deliveries = eventIds
        .slice(at, at + DELIVERIES_PER_JOB)
        .map((eventId) => ({ eventId, webhookId }));
      jobs.push({ job: { kind: 'dispatch', deliveries }, group: webhookId });
    }
  }
  if (jobs.length > 0) await deps.queue.enqueue(jobs);
}
