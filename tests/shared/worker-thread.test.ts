import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { createWorkerThread } from '../../shared/worker-thread.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A thread that runs `onOrder` for each order, and answers by `say`. */
function threadOf(onOrder: string, budgetMs: number) {
  const program = `import { parentPort } from 'node:worker_threads';
    const say = (answer) => parentPort.postMessage({ kind: 'done', answer });
    parentPort.on('message', (order) => { ${onOrder} });
    parentPort.postMessage({ kind: 'ready' });`;
  const thread = createWorkerThread<SharedArrayBuffer, { kind: 'done'; answer: string }>({
    workerUrl: new URL(`data:text/javascript,${encodeURIComponent(program)}`),
    budgetMs,
    maxHeapMb: 64,
    words: { thread: 'The thread', work: 'The work' },
  });
  closing.push(() => thread.close());
  return thread;
}

it('takes an answer that came in time, though the main thread was too busy to see it', async () => {
  const thread = threadOf(
    `say('in time'); const flag = new Int32Array(order); Atomics.store(flag, 0, 1); Atomics.notify(flag, 0);`,
    1_000,
  );
  await thread.run(new SharedArrayBuffer(4));
  const memory = new SharedArrayBuffer(4);
  // From here on Node looks at timers before it looks at messages.
  await nextTurn();
  const answer = thread.run(memory);
  // The order is on its way; this thread sees nothing until the answer is there and the time is over.
  await Promise.resolve();
  const flag = new Int32Array(memory);
  Atomics.wait(flag, 0, 0);
  Atomics.wait(flag, 0, 1, 1_200);
  expect(await answer).toEqual({ kind: 'done', answer: 'in time' });
});

it('says so when an order starts the thread a second time, and starts another one for the next', async () => {
  const thread = threadOf(
    `if (order.byteLength === 1) parentPort.postMessage({ kind: 'ready' }); else say('next');`,
    10_000,
  );
  expect(await thread.run(new SharedArrayBuffer(1))).toMatchObject({
    kind: 'failed',
    reason: 'The thread started twice',
  });
  expect(await thread.run(new SharedArrayBuffer(2))).toEqual({ kind: 'done', answer: 'next' });
});
