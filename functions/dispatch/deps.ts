import type { AttachmentContents } from '../../shared/ports/attachment-contents.ts';
import type { Blobs } from '../../shared/ports/blobs.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Queue } from '../../shared/ports/queue.ts';
import type { Store } from '../../shared/ports/store.ts';
import type { Vault } from '../../shared/ports/vault.ts';
import type { PostClient } from './post.ts';

/** What the dispatch function works with. */
export interface DispatchDeps {
  readonly store: Pick<Store, 'claim' | 'freeze' | 'finish' | 'webhook' | 'updateWebhook'>;
  readonly queue: Queue;
  readonly blobs: Pick<Blobs, 'read' | 'put'>;
  /** Reads attachments for webhooks that want them in the event. */
  readonly contents: AttachmentContents;
  readonly vault: Vault;
  readonly post: Pick<PostClient, 'post'>;
  readonly clock: Clock;
  readonly log: Log;
  /** From 0 up to 1, for jitter. */
  readonly random: () => number;
  /** Delays after the 1st, 2nd, … charged attempt. @default RETRY_DELAYS_MS */
  readonly retryDelaysMs?: readonly number[];
}
