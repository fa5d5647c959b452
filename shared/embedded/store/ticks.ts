import type { Store } from '../../ports/store.ts';
import type { StoreContext } from './context.ts';

/**
 * The last tick is written so often at most: a write every second would never let the disk rest. After a crash the ticks
 * since then run again, which finds slots that were taken already, and so does nothing twice.
 */
const WRITE_EVERY_MS = 60_000;

/** The store's memory of the tick. */
export function createTicks({ database, writer }: StoreContext): {
  readonly part: Pick<Store, 'lastTick' | 'saveTick'>;
  /** Writes the last tick, before the writer is closed. */
  readonly close: () => Promise<void>;
} {
  const row = database.get<{ value: number }>("SELECT value FROM system WHERE key = 'last_tick'");
  let lastMs = row?.value ?? null;
  let writtenMs = lastMs;
  const write = async () => {
    const valueMs = lastMs;
    await writer.write(() =>
      database.run("INSERT OR REPLACE INTO system (key, value) VALUES ('last_tick', ?)", valueMs),
    );
    writtenMs = valueMs;
  };
  return {
    part: {
      async lastTick() {
        return lastMs === null ? null : new Date(lastMs);
      },
      async saveTick(now) {
        lastMs = now.getTime();
        // Also when the clock went back.
        if (writtenMs === null || Math.abs(lastMs - writtenMs) >= WRITE_EVERY_MS) await write();
      },
    },
    async close() {
      if (lastMs !== writtenMs) await write();
    },
  };
}
