import { parentPort } from 'node:worker_threads';
import type { WorkerBatch } from '../../../../functions/poll/parse/worker-protocol.ts';

// The real worker, with a listener in front that does what a message says before it is parsed: what a bug in a parser does.
parentPort?.on('message', (batch: WorkerBatch) => {
  for (const { offset, length } of batch.jobs) {
    const text = Buffer.from(batch.memory, offset, length).toString('latin1');
    if (batch.headerOnly === null) misbehave(/^Do: (.*)\r$/m.exec(text)?.[1]);
    misbehave(/^Always-Do: (.*)\r$/m.exec(text)?.[1]);
  }
});
await import('../../../../functions/poll/parse/worker.ts');

function misbehave(how: string | undefined): void {
  if (how === 'hang') for (;;);
  if (how === 'exit') process.exit(3);
  if (how === 'throw') throw new TypeError('a bug, with words of the message in it');
  // Really out of memory, V8 sometimes ends the whole process, which would be the test's.
  if (how === 'eat') throw Object.assign(new Error('heap'), { code: 'ERR_WORKER_OUT_OF_MEMORY' });
}
