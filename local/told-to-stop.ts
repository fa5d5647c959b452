/** A Ctrl-C comes from the terminal and once more from whoever started this process: so soon it is no second one. */
const SAME_SIGNAL_MS = 1_000;

/** The part of a process that hears of signals and can end. */
interface Signalled {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  exit(code: number): void;
}

/** Resolves at the first SIGINT or SIGTERM; one that comes more than a second later ends the process at once, with 1. */
export function toldToStop(host: Signalled, now: () => Date): Promise<void> {
  return new Promise((resolve) => {
    let toldAtMs: number | null = null;
    const tell = () => {
      const nowMs = now().getTime();
      if (toldAtMs !== null && nowMs - toldAtMs > SAME_SIGNAL_MS) host.exit(1);
      toldAtMs ??= nowMs;
      resolve();
    };
    host.on('SIGINT', tell);
    host.on('SIGTERM', tell);
  });
}
