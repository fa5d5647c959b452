import type { PostClient, PostResult } from '../../functions/dispatch/post.ts';
import { ASSUMED } from './assumptions.ts';
import type { VirtualTime } from './virtual-time.ts';

/** How a receiver behaves. */
type Behaviour = 'well' | 'fails-once' | 'busy' | 'silent';

/** So long one that is busy asks to be left alone. */
const RETRY_AFTER_SECONDS = 3_600;

/** Receivers of webhooks by their URL; all behave well until they are told not to. */
export class Receivers {
  readonly #time: VirtualTime;
  readonly #behaviours = new Map<string, Behaviour>();
  /** Events that a receiver which fails once has seen. */
  readonly #seen = new Set<string>();
  #taken = 0;
  #attempts = 0;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** Deliveries that were taken, by all of them. */
  get taken(): number {
    return this.#taken;
  }

  /** Requests that came, to all of them. */
  get attempts(): number {
    return this.#attempts;
  }

  behave(url: string, behaviour: Behaviour): void {
    this.#behaviours.set(url, behaviour);
  }

  readonly client: Pick<PostClient, 'post'> = {
    post: async ({ url, headers }): Promise<PostResult> => {
      const behaviour = this.#behaviours.get(url) ?? 'well';
      const durationMs = behaviour === 'silent' ? ASSUMED.timeoutMs : ASSUMED.receiverMs;
      this.#attempts += 1;
      await this.#time.sleep(durationMs);
      if (behaviour === 'silent') {
        return {
          kind: 'failed',
          reason: 'timeout',
          message: `No answer within ${durationMs} ms`,
          durationMs,
        };
      }
      const answered = { kind: 'answered', control: null, location: null, durationMs } as const;
      const eventId = headers[headers.indexOf('webhook-id') + 1] ?? '';
      if (behaviour === 'fails-once' && !this.#seen.has(eventId)) {
        this.#seen.add(eventId);
        return { ...answered, status: 500, retryAfter: null, text: ERROR_PAGE };
      }
      if (behaviour === 'busy') {
        return { ...answered, status: 503, retryAfter: String(RETRY_AFTER_SECONDS), text: null };
      }
      this.#taken += 1;
      return { ...answered, status: 200, retryAfter: null, text: 'ok' };
    },
  };
}

const ERROR_PAGE = `<html><head><title>500</title></head><body>${'Internal Server Error '.repeat(20)}</body></html>`;
