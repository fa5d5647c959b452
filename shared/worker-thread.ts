import { Worker } from 'node:worker_threads';

/** How a thread is run, and what is said of one that fails. */
interface WorkerThreadOptions {
  /** The thread's program. It says `{ kind: 'ready' }` once it listens, then one answer to each order. */
  readonly workerUrl: URL;
  /** How long one order may take until the thread is ended. */
  readonly budgetMs: number;
  /** JavaScript heap; see `resourceLimits` of Node. */
  readonly maxHeapMb: number;
  /** Who it is and what it does, as sentences begin: `The parser`, `Parsing`. */
  readonly words: { readonly thread: string; readonly work: string };
}

/** An order that was not done, in words: without the message of an error, which may quote a mail. */
interface Failed {
  readonly kind: 'failed';
  readonly reason: string;
  /** Whether the machine is at fault and not the order: no thread started, or a system call failed (ENOSPC, EMFILE and the like). */
  readonly isOutage: boolean;
}

/** One thread at a time: it starts with the first order, and again after one has died or was ended. */
interface WorkerThread<Order, Answer> {
  /** Has one order done; the next one only once it has ended. It has failed when it took too long or ended the thread. */
  run(order: Order): Promise<Answer | Failed>;
  /** Ends the thread. */
  close(): Promise<void>;
}

type Reply<Answer> = Answer | { readonly kind: 'ready' };

/** Codes of errors of system calls; those of Node begin with ERR_. */
const SYSTEM_ERROR = /^E(?!RR_)[A-Z0-9]+$/;

/** From the start of the thread until it listens: 0.3 s on an idle machine, most of it loading mailparser. */
const START_BUDGET_MS = 30_000;

/** From the order to end until a thread has ended: some milliseconds. */
const END_BUDGET_MS = 2_000;

/** A thread that is not started yet, and keeps no process alive when idle. */
export function createWorkerThread<Order, Answer extends { readonly kind: string }>(
  options: WorkerThreadOptions,
): WorkerThread<Order, Answer> {
  const { thread, work } = options.words;
  let worker: Worker | null = null;

  function forget(dead: Worker): void {
    if (worker === dead) worker = null;
  }

  async function started(): Promise<Worker | Failed> {
    if (worker !== null) return worker;
    const fresh = begun(options, forget);
    const late = { budgetMs: START_BUDGET_MS, slow: `${thread} did not start` };
    const reply = await nextReply<Reply<Answer>>(fresh, options.words, late);
    if (isFailed(reply)) {
      await end(fresh);
      return { ...reply, isOutage: true };
    }
    worker = fresh;
    return fresh;
  }

  const slow = `${work} took longer than ${options.budgetMs / 1_000} s`;

  async function run(order: Order): Promise<Answer | Failed> {
    const running = await started();
    if (!(running instanceof Worker)) return running;
    running.ref();
    const waiting = nextReply<Reply<Answer>>(running, options.words, { budgetMs: options.budgetMs, slow });
    running.postMessage(order);
    const reply = await waiting;
    running.unref();
    if (!isFailed(reply) && isAnswer(reply)) return reply;
    forget(running);
    await end(running);
    return isFailed(reply) ? reply : failed(`${thread} started twice`);
  }

  return {
    run,
    async close() {
      const last = worker;
      worker = null;
      if (last !== null) await end(last);
    },
  };
}

/** An idle thread can die too; nobody waits for it then, and the next order starts another. */
function begun({ workerUrl, maxHeapMb }: WorkerThreadOptions, onDeath: (worker: Worker) => void): Worker {
  const worker = new Worker(workerUrl, { resourceLimits: { maxOldGenerationSizeMb: maxHeapMb } });
  worker.on('error', () => onDeath(worker));
  worker.on('exit', () => onDeath(worker));
  return worker;
}

function isAnswer<Answer extends { readonly kind: string }>(reply: Reply<Answer>): reply is Answer {
  return reply.kind !== 'ready';
}

/**
 * Ends a thread, and goes on without it when it does not end: one that collects garbage at its memory's limit was seen
 * to run on for minutes. What it may still say is not heard, and the memory it shares it only reads.
 */
async function end(worker: Worker): Promise<void> {
  worker.unref();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, END_BUDGET_MS);
  await Promise.race([worker.terminate(), promise]);
  clearTimeout(timer);
}

function failed(reason: string, isOutage = false): Failed {
  return { kind: 'failed', reason, isOutage };
}

function isFailed<Message extends { readonly kind: string }>(reply: Message | Failed): reply is Failed {
  return reply.kind === 'failed';
}

/** The thread's next message, or how it failed: it died first, or said nothing in time. */
function nextReply<Message>(
  worker: Worker,
  words: WorkerThreadOptions['words'],
  { budgetMs, slow }: { readonly budgetMs: number; readonly slow: string },
): Promise<Message | Failed> {
  return new Promise((resolve) => {
    const settle = (reply: Message | Failed) => {
      clearTimeout(timer);
      worker.off('message', settle);
      worker.off('error', onError);
      worker.off('exit', onExit);
      resolve(reply);
    };
    const onError = (error: unknown) => settle(deathOf(error, words));
    const onExit = () => settle(failed(`${words.thread} stopped`));
    // A busy main thread reaches the timer late, with the answer waiting behind it: that one is taken first.
    const timer = setTimeout(() => setImmediate(() => settle(failed(slow))), budgetMs);
    worker.on('message', settle);
    worker.on('error', onError);
    worker.on('exit', onExit);
  });
}

function deathOf(error: unknown, { thread, work }: WorkerThreadOptions['words']): Failed {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return failed(`${work} took more memory than allowed`);
  if (SYSTEM_ERROR.test(String(code))) return failed(`${thread} failed: ${code}`, true);
  return failed(`${thread} failed: ${error instanceof Error ? error.name : 'Error'}`);
}
