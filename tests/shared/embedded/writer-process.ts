import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { openEmbedded } from '../../../shared/embedded/open.ts';
import type { AccountId, WebhookId } from '../../../shared/identity.ts';
import type { Fence } from '../../../shared/ports/store.ts';
import { TestClock, TTL } from '../../contract/fixtures.ts';
import { Scene } from '../../contract/scene.ts';

/**
 * Writes to a data folder as fast as it can, polls and dispatches side by side, until it is killed. Prints a line as soon as
 * something was acknowledged: a blob with its digest, a committed event, a delivered event, the UID of a saved cursor.
 */
const [folder = '', round = '0'] = process.argv.slice(2);
const clock = new TestClock();
const embedded = await openEmbedded({ folder, clock });
const { store, blobs } = embedded;
const scene = new Scene({ store, blobs, clock }, Number(round) * 1_000_000);
const account = scene.account('crash', { onDelivered: { kind: 'mark-seen' } });
const webhook = scene.webhook({ name: 'crash' });
await store.createAccount(account);
await store.createWebhook(webhook);
say('open');

const lease = await store.acquire(account.id, 'manual', clock.now(), TTL);
if (lease.kind !== 'acquired') throw new Error(lease.kind);
const writers = Array.from({ length: 4 }, (_, number) => write(lease.fence, number));
await Promise.all(writers);

async function write(fence: Fence, number: number): Promise<void> {
  for (let batch = 0; ; batch++) {
    const events = await Promise.all(
      Array.from({ length: 5 }, () => newEvent(account.id, webhook.id, number)),
    );
    const answer = await store.commit(fence, events, clock.now());
    if (answer === 'fenced') throw new Error(answer);
    for (const id of answer.committed) say(`event ${id}`);
    const lastUid = Number(round) * 1_000_000 + batch;
    const cursor = scene.cursor({ mailbox: `box ${number}`, lastUid });
    await store.saveProgress(fence, scene.progress({ cursor }), clock.now());
    say(`cursor ${number} ${lastUid}`);
    const refs = answer.committed.map((eventId) => ({ eventId, webhookId: webhook.id }));
    for (const claim of await store.claim(refs.slice(1), clock.now(), TTL)) {
      await store.finish([{ claim, outcome: scene.delivered() }], clock.now());
      say(`done ${claim.ref.eventId}`);
    }
  }
}

async function newEvent(accountId: AccountId, webhookId: WebhookId, number: number) {
  const raw = Buffer.alloc(1_000 * (number + 1) * (number === 3 ? 100 : 1), `${accountId}${Math.random()}`);
  const ref = await blobs.put('raw', raw);
  say(`blob ${ref} ${createHash('sha256').update(raw).digest('hex')}`);
  return await scene.event(account, [webhookId], { raw: ref });
}

/** At once, and not through a buffer that dies with the process. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}
