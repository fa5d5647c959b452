import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { DispatchDeps } from '../functions/dispatch/deps.ts';
import { dispatch } from '../functions/dispatch/dispatch.ts';
import { createPostClient } from '../functions/dispatch/post.ts';
import { answerRequest } from '../functions/files/answer-request.ts';
import { createCutter } from '../functions/files/cutter.ts';
import type { FilesDeps } from '../functions/files/deps.ts';
import { readContents } from '../functions/files/read-contents.ts';
import type { FileAnswer, FileRequest } from '../functions/files/serve-file.ts';
import { createByteBudget } from '../functions/poll/byte-budget.ts';
import type { PollDeps } from '../functions/poll/deps.ts';
import { openMailSource } from '../functions/poll/mail/open-mail-source.ts';
import { createParsePool } from '../functions/poll/parse/parse-pool.ts';
import { plan } from '../functions/poll/plan.ts';
import { type PollStop, poll } from '../functions/poll/poll.ts';
import { createEgress } from '../shared/egress/create-egress.ts';
import type { Egress, EgressPolicy } from '../shared/egress/egress.ts';
import { createMemoryQueue } from '../shared/embedded/memory-queue.ts';
import { type Embedded, openEmbedded, retentionOf } from '../shared/embedded/open.ts';
import { DEFAULT_LINK_DAYS } from '../shared/file-link.ts';
import type { Job } from '../shared/jobs.ts';
import type { Operations } from '../shared/operations.ts';
import type { AttachmentContents } from '../shared/ports/attachment-contents.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Log } from '../shared/ports/log.ts';
import { everyWhile } from './every-while.ts';
import { createOperations } from './operations.ts';

/** The tick of a machine of one's own: intervals may be any number of seconds. */
const TICK_MS = 1_000;
const MAINTAIN_MS = 60_000;
/** What is in hand when the process is told to stop gets so long to end; then connections are cut, which loses nothing. */
const GRACE_MS = 8_000;

/** What poll and dispatch reach the world through. */
export type RuntimePorts = Omit<PollDeps, 'clock' | 'log'> & Pick<DispatchDeps, 'post'>;

/** Where the runtime keeps its data, and what a test may set otherwise. */
interface RuntimeOptions {
  readonly folder: string;
  readonly egress: EgressPolicy;
  readonly clock: Clock;
  readonly log: Log;
  /** What links to attachments and raw mail begin with, and how long they work. @default events have no links */
  readonly links?: { readonly publicUrl: Promise<string>; readonly days: number };
  /** Events and deliveries are kept so long after their end, in days. @default 30 */
  readonly retentionDays?: number;
  /** Delays between attempts, in ms. @default RETRY_DELAYS_MS */
  readonly retryDelaysMs?: readonly number[];
  /** How long what is in hand may take to end when the runtime is stopped. @default 8,000 */
  readonly graceMs?: number;
  /** Puts something between the functions and their ports: a test that watches them, or ends the process. @default nothing */
  readonly wrap?: (ports: RuntimePorts) => RuntimePorts;
}

/** Everything of mailhook but its API, running on one machine. */
export interface Runtime {
  readonly embedded: Embedded;
  readonly egress: Egress;
  readonly operations: Operations;
  /** Answers requests for attachments and raw mail; see `serveFile`. */
  readonly files: (request: FileRequest) => Promise<FileAnswer>;
  /** Begins nothing more and ends what is in hand, at the latest after some seconds; the store can still be used. */
  stop(): Promise<void>;
  /** Stops, and gives the data folder free. */
  close(): Promise<void>;
}

/**
 * Runs the poll and dispatch functions against the embedded store: a tick a second plans, queues in memory carry the
 * hints. Throws EmbeddedError when the data folder cannot be used.
 */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { folder, retentionDays, clock, log, graceMs = GRACE_MS } = options;
  const retention = retentionDays === undefined ? {} : { retention: retentionOf(retentionDays) };
  const embedded = await openEmbedded({ folder, clock, ...retention });
  const egress = createEgress({ policy: options.egress });
  const pool = createParsePool();
  const post = createPostClient({ egress, keepAlive: true });
  const queue = createMemoryQueue((job) => run(job), log);
  const { store, blobs } = embedded;
  const openSource = openMailSource(egress);
  const own = portsOf(embedded, { queue, openSource, parse: pool.parse, post }, options.links);
  const cutter = await createCutter({ blobs, folder: join(folder, 'downloads') });
  const linkDays = options.links?.days ?? DEFAULT_LINK_DAYS;
  const filesDeps: FilesDeps = { store, blobs, cutter, presign: null, linkDays, clock, log };
  const { pollDeps, dispatchDeps } = depsOf(options, options.wrap?.(own) ?? own, filesDeps);
  const stopping = new AbortController();
  const cut = new AbortController();
  const stop: PollStop = { signal: cut.signal, stopping: () => stopping.signal.aborted };
  const run = async (job: Job): Promise<void> => {
    if (job.kind === 'poll') await poll(pollDeps, job, stop);
    else await dispatch(dispatchDeps, job);
  };
  const { operations, idle } = createOperations(pollDeps, dispatchDeps, stop);
  const ticker = everyWhile(TICK_MS, stopping.signal, log, 'tick', () => plan(pollDeps));
  const maintenance = everyWhile(MAINTAIN_MS, stopping.signal, log, 'maintenance', () =>
    embedded.maintain(clock.now()),
  );
  const end = async () => {
    stopping.abort();
    const grace = setTimeout(() => {
      cut.abort();
      post.close();
    }, graceMs);
    await Promise.all([ticker, maintenance, queue.close(), idle()]);
    clearTimeout(grace);
    post.close();
    await Promise.all([pool.close(), cutter.close()]);
  };
  let ended: Promise<void> | null = null;
  const stopOnce = () => (ended ??= end());
  return {
    ...{ embedded, egress, operations, stop: stopOnce },
    files: (request) => answerRequest(filesDeps, request),
    async close() {
      await stopOnce();
      await embedded.close();
    },
  };
}

function portsOf(
  { store, blobs, vault }: Embedded,
  made: Pick<RuntimePorts, 'queue' | 'openSource' | 'parse' | 'post'>,
  links: RuntimeOptions['links'],
): RuntimePorts {
  return {
    ...{ store, blobs, vault, ...made, budget: createByteBudget() },
    links: links === undefined ? null : { publicUrl: links.publicUrl, random: randomBytes },
  };
}

function depsOf(
  { clock, log, retryDelaysMs }: RuntimeOptions,
  ports: RuntimePorts,
  filesDeps: FilesDeps,
): { readonly pollDeps: PollDeps; readonly dispatchDeps: DispatchDeps } {
  const common = { ...ports, clock, log };
  const contents: AttachmentContents = (id, ids) => readContents(filesDeps, id, ids);
  return {
    pollDeps: common,
    dispatchDeps: { ...common, contents, random: Math.random, ...(retryDelaysMs && { retryDelaysMs }) },
  };
}
