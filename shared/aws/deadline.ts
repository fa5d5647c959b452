/** Before the end of an invocation no new work is begun for so long: what is in hand is ended and saved. */
const GENTLE_MS = 15_000;
/** What has not ended by then is cut off, so that the function ends by itself and its connections with it. */
const CUT_MS = 5_000;

/** The end of an invocation, in the shape that a poll takes; dispose of it when the work is done. */
interface Deadline extends Disposable {
  /** Ends every session at once, 5 s before the end. */
  readonly signal: AbortSignal;
  /** True from 15 s before the end. */
  stopping(): boolean;
}

/** Watches the time that an invocation has left. */
export function createDeadline(context: { getRemainingTimeInMillis(): number }): Deadline {
  const cut = new AbortController();
  const timer = setTimeout(() => cut.abort(), Math.max(0, context.getRemainingTimeInMillis() - CUT_MS));
  return {
    signal: cut.signal,
    stopping: () => context.getRemainingTimeInMillis() <= GENTLE_MS,
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
