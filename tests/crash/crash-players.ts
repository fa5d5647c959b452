import { afterAll, vi } from 'vitest';
import { Players } from './crash-process.ts';

/** For whole worlds, a few starts each, on a machine that is busy with other tests. */
const TIMEOUT_MS = 120_000;

/** Players for the tests of one file, to be called before them; ended after the last one. */
export function usePlayers(): Players {
  vi.setConfig({ testTimeout: TIMEOUT_MS, hookTimeout: TIMEOUT_MS });
  const players = new Players();
  afterAll(() => players[Symbol.asyncDispose]());
  return players;
}
