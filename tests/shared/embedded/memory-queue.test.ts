import { describe, expect, it } from 'vitest';
import { createMemoryQueue } from '../../../shared/embedded/memory-queue.ts';
import type { EventId, WebhookId } from '../../../shared/identity.ts';
import type { Job } from '../../../shared/jobs.ts';
import type { QueuedJob } from '../../../shared/ports/queue.ts';
import { silentLog } from '../../support/silent-log.ts';

const job = (name: string): Job => ({
  kind: 'dispatch',
  deliveries: [{ eventId: name as EventId, webhookId: 'w' as WebhookId }],
});
const of = (group: string, ...names: string[]): QueuedJob[] =>
  names.map((name) => ({ job: job(name), group }));
const nameOf = (one: Job) => (one.kind === 'dispatch' ? (one.deliveries[0]?.eventId ?? '') : '');

/** A runner whose jobs end when told. */
function manualRunner() {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (one: Job) => {
    const name = nameOf(one);
    started.push(name);
    return new Promise<void>((resolve) => ends.set(name, resolve));
  };
  const end = async (name: string) => {
    ends.get(name)?.();
    await new Promise(setImmediate);
  };
  return { run, started, end };
}

const lanes = { poll: { atOnce: 1, perGroup: 1 }, dispatch: { atOnce: 3, perGroup: 2 } };

describe('createMemoryQueue()', () => {
  it('enqueue() lets a group with slow jobs hold up no other', async () => {
    const runner = manualRunner();
    const queue = createMemoryQueue(runner.run, silentLog, lanes);
    await queue.enqueue(of('slow', 'slow-1', 'slow-2', 'slow-3', 'slow-4'));
    await queue.enqueue(of('quick', 'quick-1', 'quick-2'));
    expect(runner.started).toEqual(['slow-1', 'slow-2', 'quick-1']);
    await runner.end('quick-1');
    expect(runner.started.at(-1)).toBe('quick-2');
  });

  it('enqueue() gives groups turns when all places are taken', async () => {
    const runner = manualRunner();
    const queue = createMemoryQueue(runner.run, silentLog, {
      ...lanes,
      dispatch: { atOnce: 1, perGroup: 1 },
    });
    await queue.enqueue(of('a', 'a1', 'a2'));
    await queue.enqueue(of('b', 'b1'));
    await runner.end('a1');
    expect(runner.started).toEqual(['a1', 'b1']);
    await runner.end('b1');
    expect(runner.started).toEqual(['a1', 'b1', 'a2']);
  });

  it('idle() and close() wait for the job that runs; close() begins no other', async () => {
    const runner = manualRunner();
    const queue = createMemoryQueue(runner.run, silentLog, {
      ...lanes,
      dispatch: { atOnce: 1, perGroup: 1 },
    });
    await queue.enqueue(of('a', 'a1', 'a2'));
    let closed = false;
    const closing = queue.close().then(() => {
      closed = true;
    });
    await new Promise(setImmediate);
    expect(closed).toBe(false);
    await runner.end('a1');
    await closing;
    expect(runner.started).toEqual(['a1']);
  });

  it('enqueue() goes on after a job that throws', async () => {
    const { promise: done, resolve } = Promise.withResolvers<string>();
    const queue = createMemoryQueue(
      async (one) => {
        if (nameOf(one) === 'bad') throw new Error('no');
        resolve(nameOf(one));
      },
      silentLog,
      lanes,
    );
    await queue.enqueue(of('a', 'bad', 'good'));
    expect(await done).toBe('good');
  });

  it('enqueue() holds back a job that has a delay', async () => {
    const runner = manualRunner();
    const queue = createMemoryQueue(runner.run, silentLog, lanes);
    await queue.enqueue(of('a', 'later'), { delayMs: 60_000 });
    expect(runner.started).toEqual([]);
    await queue.close();
  });
});
