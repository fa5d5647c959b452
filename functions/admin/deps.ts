import type { Egress } from '../../shared/egress/egress.ts';
import type { Operations } from '../../shared/operations.ts';
import type { Blobs } from '../../shared/ports/blobs.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Store } from '../../shared/ports/store.ts';
import type { Vault } from '../../shared/ports/vault.ts';

/** What the HTTP API stands on. It seals secrets and opens none: what needs one goes through `operations`. */
export interface AdminDeps {
  readonly store: Store;
  readonly vault: Pick<Vault, 'seal'>;
  readonly blobs: Pick<Blobs, 'open' | 'read'>;
  /** Links of messages work so long after their commit. */
  readonly linkDays: number;
  readonly egress: Pick<Egress, 'checkUrl' | 'checkHost'>;
  readonly operations: Operations;
  readonly clock: Clock;
  /** That many unpredictable bytes. */
  readonly random: (size: number) => Uint8Array;
  readonly log: Log;
  /** The version of mailhook, for `/v1/status` and the OpenAPI document. */
  readonly version: string;
}
