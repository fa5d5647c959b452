import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tick } from '../../../functions/plan/tick.ts';
import type { Maintenance } from '../../../shared/aws/store/maintenance.ts';
import { openPollWorld, type PollWorld } from '../../support/poll-world.ts';
import { createRecordingLog } from '../../support/recording-log.ts';

let world: PollWorld;
beforeEach(async () => {
  world = await openPollWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

function tickWith(maintain: Maintenance['maintain']) {
  const log = createRecordingLog();
  const deps = { ...world.deps, log, store: { ...world.deps.store, maintain } };
  return { log, ran: tick(deps) };
}

describe('tick()', () => {
  it('plans first, and says so: the metric of ticks hangs on that line', async () => {
    let linesBefore = 0;
    const { log, ran } = tickWith(async () => {
      linesBefore = log.lines.length;
    });
    await ran;
    expect(log.lines).toEqual([{ level: 'info', event: 'plan.finished', polls: 0, deliveries: 0 }]);
    expect(linesBefore).toBe(1);
    expect(await world.deps.store.lastTick()).toEqual(world.clock.now());
  });

  it('gives maintenance 40 s, so that the next tick finds it ended', async () => {
    const went: boolean[] = [];
    const { ran } = tickWith(async (_now, goOn) => {
      for (const afterMs of [0, 39_000, 1_000]) {
        world.clock.time += afterMs;
        went.push(goOn());
      }
    });
    await ran;
    expect(went).toEqual([true, true, false]);
  });

  it('a chore that fails is logged and fails the function, after the tick was saved', async () => {
    const failure = new AggregateError([new Error('one'), new Error('two')], 'Cannot finish 2 chores');
    const { log, ran } = tickWith(() => Promise.reject(failure));
    await expect(ran).rejects.toThrow('Cannot finish 2 chores');
    expect(log.lines).toMatchObject([
      { event: 'plan.finished' },
      { event: 'maintenance.failed', error: 'Error: one' },
      { event: 'maintenance.failed', error: 'Error: two' },
    ]);
    expect(await world.deps.store.lastTick()).not.toBeNull();
  });
});
