import { Worker } from 'node:worker_threads';
import type { CutOrder, CutReply } from './cut-protocol.ts';

/** How the thread is run. */
export interface CutThreadOptions {
  /** The thread's program. @default cut-worker.ts beside this file; a bundle names its own */
  readonly workerUrl?: URL;
  /** How long one message may take until the thread is ended; 64 MB take about a second. @default 30,000 */
  readonly budgetMs?: number;
}

type Found = Extract<CutReply, { kind: 'cut' }>['found'];

/** One thread at a time: it starts with the first order, and again after one has died or was ended. */
interface CutThread {
  /**
   * Does one order; the next one only once it has ended. A sentence when the message took too long or ended the thread.
   * Throws in an outage, where it is the machine that fails and not the message.
   */
  run(order: CutOrder): Promise<Found | string>;
  close(): Promise<void>;
}

/** From the start of the thread until it listens: 0.3 s on an idle machine, most of it loading the parser. */
const START_BUDGET_MS = 30_000;
/** From the order to end until a thread has ended: some milliseconds. */
const END_BUDGET_MS = 2_000;
/** JavaScript heap; a mail is hostile input. */
const MAX_HEAP_MB = 512;

/** A thread that is not started yet, and keeps no process alive when idle. */
export function createCutThread(options: CutThreadOptions = {}): CutThread {
  const workerUrl = options.workerUrl ?? new URL('./cut-worker.ts', import.meta.url);
  const budgetMs = options.budgetMs ?? 30_000;
  let worker: Worker | null = null;

  function forget(dead: Worker): void {
    if (worker === dead) worker = null;
  }

  async function started(): Promise<Worker> {
    if (worker !== null) return worker;
    const fresh = new Worker(workerUrl, { resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB } });
    // An idle thread can die too; the next order starts another.
    fresh.on('error', () => forget(fresh));
    fresh.on('exit', () => forget(fresh));
    const reply = await nextReply(fresh, START_BUDGET_MS).catch((error: unknown) => failed(fresh, error));
    // No message was there yet that could be at fault.
    if (typeof reply === 'string') return await failed(fresh, new Error(`Cannot start a thread: ${reply}`));
    worker = fresh;
    return fresh;
  }

  /** Ends a thread, then throws. */
  async function failed(thread: Worker, error: unknown): Promise<never> {
    forget(thread);
    await end(thread);
    throw error;
  }

  async function run(order: CutOrder): Promise<Found | string> {
    const thread = await started();
    thread.ref();
    const waiting = nextReply(thread, budgetMs);
    thread.postMessage(order);
    const reply = await waiting.catch((error: unknown) => failed(thread, error));
    thread.unref();
    if (typeof reply !== 'string' && reply.kind === 'cut') return reply.found;
    forget(thread);
    await end(thread);
    return typeof reply === 'string' ? reply : 'The thread started twice';
  }

  async function close(): Promise<void> {
    const thread = worker;
    worker = null;
    if (thread !== null) await end(thread);
  }

  return { run, close };
}

/** Ends a thread, and goes on without one that collects garbage at its memory's limit and does not end. */
async function end(thread: Worker): Promise<void> {
  thread.unref();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, END_BUDGET_MS);
  await Promise.race([thread.terminate(), promise]);
  clearTimeout(timer);
}

/** The thread's next message; a sentence when it dies first or says nothing in time. Throws the system error it dies of. */
function nextReply(worker: Worker, budgetMs: number): Promise<CutReply | string> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      clearTimeout(timer);
      worker.off('message', settle);
      worker.off('error', onError);
      worker.off('exit', onExit);
    };
    const settle = (reply: CutReply | string) => {
      leave();
      resolve(reply);
    };
    const onError = (error: unknown) => {
      leave();
      if (isOutage(error)) reject(error);
      else resolve(deathOf(error));
    };
    const onExit = () => settle('The thread stopped');
    const timer = setTimeout(() => settle(`It took longer than ${budgetMs / 1_000} s`), budgetMs);
    worker.on('message', settle);
    worker.on('error', onError);
    worker.on('exit', onExit);
  });
}

/** Whether a system call failed, as with a full disk: ENOSPC, EMFILE and the like. */
function isOutage(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^E[A-Z0-9]+$/.test(String(error.code));
}

/** The message of an error may quote the mail: only its kind and its code are told. */
function deathOf(error: unknown): string {
  if (!(error instanceof Error)) return 'The thread failed';
  return `The thread failed: ${'code' in error ? String(error.code) : error.name}`;
}
