/**
 * Runs something during which no interval ever fires. A poll renews its lease every half minute by the machine's clock, of which
 * a simulated poll takes next to nothing: only on a machine that stood still would it, and the counts would be others.
 */
export async function withoutIntervals<Value>(run: () => Promise<Value>): Promise<Value> {
  const { setInterval: original } = globalThis;
  const never = (): NodeJS.Timeout => {
    const timer = original(() => undefined, 0x7fffffff);
    return timer.unref();
  };
  globalThis.setInterval = never as typeof globalThis.setInterval;
  try {
    return await run();
  } finally {
    globalThis.setInterval = original;
  }
}
