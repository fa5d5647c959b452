import { expect, it } from 'vitest';
import { everyWhile } from '../../local/every-while.ts';
import type { LogFields } from '../../shared/ports/log.ts';
import { silentLog } from '../support/silent-log.ts';

/** Runs rounds with these results, a text being the failure of a round, and gives what was logged. */
async function logged(rounds: readonly (string | null)[]): Promise<unknown[]> {
  const stop = new AbortController();
  const lines: unknown[] = [];
  const log = {
    ...silentLog,
    error: (event: string, fields?: LogFields) => void lines.push([event, fields]),
  };
  let round = 0;
  await everyWhile(0, stop.signal, log, 'tick', async () => {
    const failure = rounds[round++];
    if (round === rounds.length) stop.abort();
    if (failure != null) throw new Error(failure);
  });
  return lines;
}

const full = ['tick.failed', { error: 'disk is full' }];

it('a failure that lasts, as a full disk does, fills no log', async () => {
  expect(await logged(['disk is full', 'disk is full', 'disk is full'])).toEqual([full]);
});

it('a failure that is another one, or comes back, is logged', async () => {
  const other = ['tick.failed', { error: 'no such table' }];
  expect(await logged(['disk is full', 'no such table', null, 'no such table', 'disk is full'])).toEqual([
    full,
    other,
    other,
    full,
  ]);
});
