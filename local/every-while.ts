import type { Log } from '../shared/ports/log.ts';

/** A failure that lasts, as a full disk does, is logged this seldom; a new one at once. */
const SAY_AGAIN_MS = 60_000;

/**
 * Does something every `periodMs`, never twice at once, until it is time to stop. A failure is logged as `NAME.failed`,
 * and the next round tries again.
 */
export async function everyWhile(
  periodMs: number,
  stop: AbortSignal,
  log: Log,
  name: string,
  work: () => Promise<unknown>,
): Promise<void> {
  let said: string | null = null;
  let saidAtMs = 0;
  while (!stop.aborted) {
    const startedAtMs = performance.now();
    try {
      await work();
      said = null;
    } catch (cause) {
      const error = cause instanceof Error ? cause.message : String(cause);
      if (said !== error || startedAtMs - saidAtMs >= SAY_AGAIN_MS) {
        log.error(`${name}.failed`, { error });
        said = error;
        saidAtMs = startedAtMs;
      }
    }
    await pause(Math.max(0, periodMs - (performance.now() - startedAtMs)), stop);
  }
}

/** Waits so long, or until it is time to stop. */
function pause(delayMs: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, delayMs);
    stop.addEventListener('abort', end);
  });
}
