import type { Account } from '../../shared/account.ts';
import type { Blobs } from '../../shared/ports/blobs.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { MailSource, OpenMailSource } from '../../shared/ports/mail-source.ts';
import type { Queue } from '../../shared/ports/queue.ts';
import type { Fence, Store } from '../../shared/ports/store.ts';
import type { Vault } from '../../shared/ports/vault.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { Raise } from './operational-event.ts';
import type { Parse } from './parse/types.ts';

/** What the poll function works with. */
export interface PollDeps {
  readonly store: Store;
  readonly queue: Queue;
  readonly blobs: Blobs;
  readonly vault: Vault;
  readonly openSource: OpenMailSource;
  readonly parse: Parse;
  /** What the links of messages are made with; null where nobody serves them. */
  readonly links: LinkSource | null;
  /** One for the whole process. */
  readonly budget: ByteBudget;
  readonly clock: Clock;
  readonly log: Log;
}

/** What links are made with. */
interface LinkSource {
  /** As `parsePublicUrl` gives it; a server that takes any free port knows it only once it listens. */
  readonly publicUrl: Promise<string>;
  /** That many unpredictable bytes. */
  readonly random: (size: number) => Uint8Array;
}

/** One session with an account's server, under its lease. */
export interface PollSession {
  readonly fence: Fence;
  readonly account: Account;
  readonly source: MailSource;
  /** Tells the owner a fact; see `Fact`. */
  readonly raise: Raise;
  /** False once the time is up or the process is to stop: no new message is begun, what is left waits for the next poll. */
  goOn(): boolean;
}

/** The lease went to somebody else: this poll writes nothing more. */
export class FencedError extends Error {
  override readonly name = 'FencedError';
}
