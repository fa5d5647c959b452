import { ASSUMED } from './assumptions.ts';
import type { Meter, Spender } from './usage.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A function whose processes keep what they opened, as Lambda's do: the one that ended last is taken first. */
export class WarmFunction<Payload> {
  readonly #time: VirtualTime;
  readonly #meter: Meter;
  readonly #spender: Spender;
  readonly #memoryMb: number;
  readonly #start: () => (payload: Payload) => Promise<void>;
  readonly #idle: ((payload: Payload) => Promise<void>)[] = [];

  /** `start` makes the handler of a new process. */
  constructor(
    { time, meter }: { readonly time: VirtualTime; readonly meter: Meter },
    { spender, memoryMb }: { readonly spender: Spender; readonly memoryMb: number },
    start: () => (payload: Payload) => Promise<void>,
  ) {
    this.#time = time;
    this.#meter = meter;
    this.#spender = spender;
    this.#memoryMb = memoryMb;
    this.#start = start;
  }

  async invoke(payload: Payload): Promise<void> {
    const startedMs = this.#time.nowMs;
    let handler = this.#idle.pop();
    if (handler === undefined) {
      await this.#time.sleep(ASSUMED.coldStartMs);
      handler = this.#start();
    }
    await handler(payload);
    const durationMs = this.#time.nowMs - startedMs;
    this.#idle.push(handler);
    this.#meter.add(this.#spender, 'invocations', 1);
    this.#meter.add(this.#spender, 'seconds', durationMs / 1_000);
    this.#meter.add(this.#spender, 'gbSeconds', (durationMs / 1_000) * (this.#memoryMb / 1_024));
    this.#meter.add(this.#spender, 'logBytes', ASSUMED.platformLogBytes);
  }
}
