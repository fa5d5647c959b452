/** Gives taken bytes back; a second call does nothing. */
export type ReleaseBytes = () => void;

/** How many bytes of fetched mail a process may hold at once, over all of its polls. */
export interface ByteBudget {
  /** Takes bytes at once; null when they do not fit now, or others were here before. */
  tryTake(bytes: number): ReleaseBytes | null;
  /**
   * Takes bytes as soon as they fit, in the order of asking. More than the whole budget is taken once nothing else is, so
   * that one large mail runs alone rather than never. Whoever waits here must not hold bytes that are not on their way to
   * being given back: two that do would wait for each other.
   */
  take(bytes: number): Promise<ReleaseBytes>;
}

/** Raw mail in flight in one process: fetched, and not committed yet. Below it any one mail fits that an account may ask for. */
const MAX_BYTES_IN_FLIGHT = 64 * 1024 * 1024;

/** A budget of so many bytes. */
export function createByteBudget(limitBytes: number = MAX_BYTES_IN_FLIGHT): ByteBudget {
  let taken = 0;
  const waiting: { readonly bytes: number; readonly grant: (release: ReleaseBytes) => void }[] = [];
  const fits = (bytes: number) => taken === 0 || taken + bytes <= limitBytes;
  const grant = (bytes: number): ReleaseBytes => {
    taken += bytes;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      taken -= bytes;
      for (let next = waiting[0]; next !== undefined && fits(next.bytes); next = waiting[0]) {
        waiting.shift();
        next.grant(grant(next.bytes));
      }
    };
  };
  const tryTake = (bytes: number) => (waiting.length === 0 && fits(bytes) ? grant(bytes) : null);
  return {
    tryTake,
    take(bytes) {
      const release = tryTake(bytes);
      if (release !== null) return Promise.resolve(release);
      return new Promise((resolve) => waiting.push({ bytes, grant: resolve }));
    },
  };
}
