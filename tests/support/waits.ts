/** Lets tests wait for what has not happened yet. */
interface Waits {
  /** Something happened: looks which waits have ended. */
  readonly check: () => void;
  /** Resolves when `done` says so. */
  readonly until: (done: () => boolean) => Promise<void>;
}

/** Waits that are looked at whenever `check` is called: no timers, no polling. */
export function createWaits(): Waits {
  const waiting = new Set<{ readonly done: () => boolean; readonly resolve: () => void }>();
  const check = () => {
    for (const wait of waiting) {
      if (!wait.done()) continue;
      waiting.delete(wait);
      wait.resolve();
    }
  };
  const until = (done: () => boolean) =>
    new Promise<void>((resolve) => {
      waiting.add({ done, resolve });
      check();
    });
  return { check, until };
}
