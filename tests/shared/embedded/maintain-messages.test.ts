import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Account } from '../../../shared/account.ts';
import type { EventId, WebhookId } from '../../../shared/identity.ts';
import type { Pop3Cursor } from '../../../shared/ports/mail-source.ts';
import { DAY, FIRST, MINUTE, TTL } from '../../contract/fixtures.ts';
import { Scene } from '../../contract/scene.ts';
import { expectConsistent } from './consistency.ts';
import { openInFolder } from './folders.ts';

let opened: Awaited<ReturnType<typeof openInFolder>>;
let scene: Scene;
let account: Account;
let webhookId: WebhookId;

beforeEach(async () => {
  opened = await openInFolder();
  scene = new Scene(opened);
  account = await scene.addAccount();
  webhookId = (await scene.addWebhook()).id;
});

afterEach(async () => {
  await opened.close();
  expectConsistent(opened.folder);
});

const maintain = () => opened.maintain(opened.clock.now());
const packs = () => readdirSync(join(opened.folder, 'blobs')).sort();
const messages = async () => (await opened.store.messages({}, FIRST)).data.map(({ event }) => event.id);

/** A message that was delivered just now. */
async function deliveredMessage(of = account): Promise<EventId> {
  const [eventId] = (await scene.commit(of, [webhookId])) as [EventId];
  await scene.end({ eventId, webhookId }, scene.delivered());
  return eventId;
}

describe('maintain() and old messages', () => {
  it('expires a message with its deliveries 30 days after their end', async () => {
    const eventId = await deliveredMessage();
    opened.clock.advance(30 * DAY - MINUTE);
    await maintain();
    expect(await messages()).toEqual([eventId]);
    opened.clock.advance(2 * MINUTE);
    await maintain();
    expect(await messages()).toEqual([]);
    expect((await opened.store.deliveries({}, FIRST)).data).toEqual([]);
    expect((await opened.store.counts()).deliveries.delivered).toBe(0);
    expect(packs()).toEqual([]);
  });

  it('counts from the end of the last delivery, replays included', async () => {
    const eventId = await deliveredMessage();
    opened.clock.advance(20 * DAY);
    await opened.store.replay({ eventId, webhookId }, 'replay', scene.now);
    await scene.end({ eventId, webhookId }, scene.delivered());
    opened.clock.advance(20 * DAY);
    await maintain();
    expect(await messages()).toEqual([eventId]);
  });

  it('never expires a message with an open delivery', async () => {
    const [eventId] = await scene.commit(account, [webhookId]);
    opened.clock.advance(200 * DAY);
    await maintain();
    expect(await messages()).toEqual([eventId]);
    await opened.blobs.read((await opened.store.message(eventId as EventId))?.event.body as never);
  });

  it('keeps a message whose deletion on the server is still to come, though not its bytes', async () => {
    await opened.store.updateAccount(account.id, { deleteAfterDays: 365 });
    const eventId = await deliveredMessage();
    opened.clock.advance(80 * DAY);
    await maintain();
    const event = (await opened.store.message(eventId))?.event;
    expect(event).toMatchObject({ raw: null, settlement: { state: 'waiting' } });
    await expect(opened.blobs.read(event?.body as never)).rejects.toThrow();
    expect(await opened.store.replay({ eventId, webhookId }, 'replay', scene.now)).toBe('gone');
    opened.clock.advance(290 * DAY);
    expect((await opened.store.pollState(account.id, scene.now)).settlements).toHaveLength(1);
  });

  it('expires a POP3 message only once a ledger was saved after it', async () => {
    const pop3 = await scene.addAccount('pop', { protocol: 'pop3', mailboxes: [] });
    const source = { protocol: 'pop3', uidl: 'x1' } as const;
    const fence = await scene.lease(pop3.id);
    const save = async (text: string) => {
      const base = await opened.blobs.put('ledger', Buffer.from(text));
      const cursor: Pop3Cursor = {
        protocol: 'pop3',
        mailbox: '',
        listingHash: text,
        listedCount: 1,
        base,
        backfill: null,
      };
      await opened.store.saveProgress(fence, scene.progress({ cursor }), scene.now);
    };
    await save('before');
    opened.clock.advance(MINUTE);
    await opened.store.commit(fence, [await scene.event(pop3, [], { source })], scene.now);
    opened.clock.advance(40 * DAY);
    await maintain();
    expect(await messages()).toHaveLength(1);
    await save('after');
    await maintain();
    expect(await messages()).toEqual([]);
  });

  it('cancels what was parked for 30 days, which settles nothing', async () => {
    await opened.store.updateAccount(account.id, { onDelivered: { kind: 'delete' } });
    await opened.store.updateWebhook(webhookId, { state: 'disabled' }, scene.now);
    const [eventId] = (await scene.commit(account, [webhookId])) as [EventId];
    await opened.store.claim([{ eventId, webhookId }], scene.now, TTL);
    opened.clock.advance(30 * DAY - MINUTE);
    await maintain();
    expect(await opened.store.delivery({ eventId, webhookId })).toMatchObject({ state: 'parked' });
    opened.clock.advance(2 * MINUTE);
    await maintain();
    expect(await opened.store.delivery({ eventId, webhookId })).toMatchObject({ state: 'cancelled' });
    expect((await opened.store.message(eventId))?.event.settlement.state).toBe('none');
    opened.clock.advance(31 * DAY);
    await maintain();
    expect(await messages()).toEqual([]);
  });

  it('goes through all that is old, however much, with what must stay in between', async () => {
    await opened.store.updateWebhook(webhookId, { state: 'disabled' }, scene.now);
    const [kept] = (await scene.commit(account, [webhookId])) as [EventId];
    await scene.commit(account, [], 450);
    opened.clock.advance(40 * DAY);
    const [young] = await scene.commit(account, []);
    await maintain();
    expect(new Set(await messages())).toEqual(new Set([kept, young]));
  });

  it('keeps to the days it is told', async () => {
    const { folder } = opened;
    await opened.close();
    opened = await openInFolder({ folder, retention: { endedDays: 1 } });
    scene = new Scene(opened, 1_000);
    await deliveredMessage();
    opened.clock.advance(DAY + MINUTE);
    await maintain();
    expect(await messages()).toEqual([]);
  });

  it('finishes the removals that a crash cut off', async () => {
    const other = await scene.addAccount('bo');
    const [mine] = await scene.commit(account, [webhookId]);
    const [theirs] = (await scene.commit(other, [webhookId])) as [EventId];
    const { folder } = opened;
    await opened.close();
    // As the first write of each removal leaves it.
    const database = new DatabaseSync(join(folder, 'mailhook.db'));
    database.prepare('DELETE FROM accounts WHERE id = ?').run(account.id);
    database.prepare('INSERT INTO removals VALUES (?)').run(account.id);
    database.prepare('DELETE FROM webhooks WHERE id = ?').run(webhookId);
    database.close();
    opened = await openInFolder({ folder });
    await maintain();
    expect(await messages()).toEqual([theirs]);
    expect((await opened.store.known([mine as EventId])).size).toBe(0);
    expect(await opened.store.delivery({ eventId: theirs, webhookId })).toMatchObject({ state: 'cancelled' });
  });

  it('gives the room of what it removed back to the system', async () => {
    const size = () => readFileSync(join(opened.folder, 'mailhook.db')).length;
    const fence = await scene.lease(account.id);
    for (let round = 0; round < 8; round++) {
      const subject = 'x'.repeat(5_000);
      const batch = await Promise.all(
        Array.from({ length: 50 }, () => scene.event(account, [], { subject })),
      );
      await opened.store.commit(fence, batch, scene.now);
    }
    await opened.close();
    const before = size();
    opened = await openInFolder({ folder: opened.folder });
    opened.clock.advance(40 * DAY);
    await maintain();
    await opened.close();
    expect(size()).toBeLessThan(before / 2);
  });
});
