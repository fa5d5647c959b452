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

/** One thread at a time: it starts with the first order, and again after one has died or was ended. */
interface WorkerThread<Order, Answer> {
  /**
   * Has one order done; the next one only once it has ended. A sentence when it took too long or ended the thread: without
   * the message of an error, which may quote a mail.
   */
  run(order: Order): Promise<Answer | string>;
  /** Ends the thread. */
  close(): Promise<void>;
}

type Reply<Answer> = Answer | { readonly kind: 'ready' };

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

  async function started(): Promise<Worker | string> {
    if (worker !== null) return worker;
    const fresh = begun(options, forget);
    const late = { budgetMs: START_BUDGET_MS, slow: `${thread} did not start` };
    const reply = await nextReply<Reply<Answer>>(fresh, options.words, late);
    if (typeof reply === 'string') {
      await end(fresh);
      return reply;
    }
    worker = fresh;
    return fresh;
  }

  const slow = `${work} took longer than ${options.budgetMs / 1_000} s`;

  async function run(order: Order): Promise<Answer | string> {
    const running = await started();
    if (typeof running === 'string') return running;
    running.ref();
    const waiting = nextReply<Reply<Answer>>(running, options.words, { budgetMs: options.budgetMs, slow });
    running.postMessage(order);
    const reply = await waiting;
    running.unref();
    if (typeof reply !== 'string' && isAnswer(reply)) return reply;
    forget(running);
    await end(running);
    return typeof reply === 'string' ? reply : `${thread} started twice`;
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

/** The thread's next message; a sentence when it dies first or says nothing in time. */
function nextReply<Message>(
  worker: Worker,
  words: WorkerThreadOptions['words'],
  { budgetMs, slow }: { readonly budgetMs: number; readonly slow: string },
): Promise<Message | string> {
  return new Promise((resolve) => {
    const settle = (reply: Message | string) => {
      clearTimeout(timer);
      worker.off('message', settle);
      worker.off('error', onError);
      worker.off('exit', onExit);
      resolve(reply);
    };
    const onError = (error: unknown) => settle(deathOf(error, words));
    const onExit = () => settle(`${words.thread} stopped`);
    // A busy main thread reaches the timer late, with the answer waiting behind it: that one is taken first.
    const timer = setTimeout(() => setImmediate(() => settle(slow)), budgetMs);
    worker.on('message', settle);
    worker.on('error', onError);
    worker.on('exit', onExit);
  });
}

function deathOf(error: unknown, { thread, work }: WorkerThreadOptions['words']): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return `${work} took more memory than allowed`;
  return `${thread} failed: ${error instanceof Error ? error.name : 'Error'}`;
}
