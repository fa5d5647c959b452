import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { EventId } from '../../../shared/identity.ts';
import type { BlobRef } from '../../../shared/ports/blobs.ts';
import { TTL } from '../../contract/fixtures.ts';
import { Scene } from '../../contract/scene.ts';
import { startChild } from './child.ts';
import { expectConsistent } from './consistency.ts';
import { openInFolder, temporaryFolder } from './folders.ts';

/** What a process said was durable before it was killed. */
interface Acknowledged {
  readonly blobs: Map<string, string>;
  readonly events: Set<string>;
  readonly done: Set<string>;
  readonly cursors: Map<string, number>;
}

/** Lets a process write until it has said so many lines, and kills it in the middle of whatever it does then. */
async function writeAndKill(
  folder: string,
  round: number,
  lines: number,
  known: Acknowledged,
): Promise<void> {
  const child = startChild('./writer-process.ts', folder, String(round));
  let count = 0;
  for await (const line of child.lines) {
    const [what, one = '', two = ''] = line.split(' ');
    if (what === 'blob') known.blobs.set(one, two);
    if (what === 'event') known.events.add(one);
    if (what === 'done') known.done.add(one);
    if (what === 'cursor') known.cursors.set(`box ${one}`, Number(two));
    count += 1;
    if (count === lines) await child.kill();
  }
  expect(count).toBeGreaterThanOrEqual(lines);
}

async function expectAllThere(folder: string, known: Acknowledged): Promise<void> {
  const embedded = await openInFolder({ folder });
  try {
    const { store, blobs } = embedded;
    for (const [ref, digest] of known.blobs) {
      const bytes = await blobs.read(ref as BlobRef);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(digest);
    }
    const events = [...known.events] as EventId[];
    expect(await store.known(events)).toEqual(new Set(events));
    for (const id of events) {
      const view = await store.message(id);
      const [delivery] = view?.deliveries ?? [];
      if (known.done.has(id)) expect(delivery).toMatchObject({ state: 'delivered' });
      await blobs.read(view?.event.body as BlobRef);
    }
    const account = await store.accountByName('crash');
    const state = await store.pollState(account?.id as never, embedded.clock.now());
    const lastUids = new Map(
      state.cursors.map((it) => [it.mailbox, it.protocol === 'imap' ? it.lastUid : 0]),
    );
    for (const [mailbox, lastUid] of known.cursors) {
      expect(lastUids.get(mailbox)).toBeGreaterThanOrEqual(lastUid);
    }
    const settled = new Set(state.settlements.map(({ eventId }) => eventId));
    const done = ([...known.done] as EventId[]).slice(-50);
    if (state.settlements.length < 1_000) for (const id of done) expect(settled.has(id)).toBe(true);
  } finally {
    await embedded.close();
  }
  expectConsistent(folder);
}

describe('kill -9', () => {
  it.each([1, 2, 3])('loses nothing that was acknowledged, seed %d', async (seed) => {
    const folder = temporaryFolder();
    const known: Acknowledged = { blobs: new Map(), events: new Set(), done: new Set(), cursors: new Map() };
    for (let round = 1; round <= 2; round++) {
      // A cheap spread of where the process is when it dies.
      const lines = 150 + ((seed * 7919 + round * 104_729) % 400);
      await writeAndKill(folder, round, lines, known);
      await expectAllThere(folder, known);
    }
    expect(known.done.size).toBeGreaterThan(0);
  });

  it('leaves no lease and no claim behind: all that was under way is due at once', async () => {
    const folder = temporaryFolder();
    const first = await openInFolder({ folder });
    const scene = new Scene(first);
    const account = await scene.addAccount();
    const { id: webhookId } = await scene.addWebhook();
    const claim = await scene.commitAndClaim(account, webhookId);
    await scene.commit(account, [webhookId]);
    const fence = await scene.lease(account.id);
    const gap = { item: scene.listed(), dueAt: scene.now, error: 'no' };
    await first.store.saveProgress(fence, scene.progress({ opened: [gap] }), scene.now);
    await first.close();
    const { store, close } = await openInFolder({ folder });
    const work = await store.dueWork(scene.now, 10);
    expect(work.map(({ kind }) => kind).sort()).toEqual(['account', 'delivery', 'delivery']);
    expect(await store.claim([claim.ref], scene.now, TTL)).toHaveLength(1);
    expect(await store.renew(fence, scene.now, TTL)).toBe(false);
    expect((await store.acquire(account.id, 'backlog', scene.now, TTL)).kind).toBe('acquired');
    await close();
  });
});
