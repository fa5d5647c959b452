import { parentPort } from 'node:worker_threads';
import { parseHeaderOnly, parseMessage } from './parse-message.ts';
import type { ParsedMessage, ParseJob } from './types.ts';
import type { WorkerBatch, WorkerReply } from './worker-protocol.ts';

// The thread that `parse-pool.ts` starts. Whatever goes wrong here ends the thread: the pool then knows which batch it was.
if (parentPort === null)
  throw new Error('Cannot run the parse worker as a program: the parse pool starts it');
const port = parentPort;

port.on('message', (batch: WorkerBatch) => {
  void answer(batch);
});
port.postMessage({ kind: 'ready' } satisfies WorkerReply);

async function answer(batch: WorkerBatch): Promise<void> {
  const reason = batch.headerOnly;
  // All at once: a parser waits for its streams more often than it computes, and another goes on meanwhile.
  const results = await Promise.all(
    batch.jobs.map(({ job, offset, length }) => {
      const whole: ParseJob = { ...job, bytes: Buffer.from(batch.memory, offset, length) };
      return reason === null ? parseMessage(whole) : parseHeaderOnly(whole, reason);
    }),
  );
  const handed = results.map((result) => ({ ...result, event: ownedBytes(result) }));
  const reply: WorkerReply = { kind: 'parsed', results: handed };
  port.postMessage(
    reply,
    handed.map(({ event }) => event.buffer),
  );
}

/** An event's bytes are alone in their memory (see `buildMessage`), so that it can be handed over whole. */
function ownedBytes({ event }: ParsedMessage): Uint8Array<ArrayBuffer> {
  const { buffer } = event;
  return buffer instanceof ArrayBuffer ? new Uint8Array(buffer) : Uint8Array.from(event);
}
