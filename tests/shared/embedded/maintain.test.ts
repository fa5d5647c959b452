import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Account } from '../../../shared/account.ts';
import type { EventId, WebhookId } from '../../../shared/identity.ts';
import type { Pop3Cursor } from '../../../shared/ports/mail-source.ts';
import { DAY, FIRST, MINUTE, Scene, TTL } from '../../contract/fixtures.ts';
import { expectConsistent } from './consistency.ts';
import { openInFolder } from './folders.ts';

const HOUR = 60 * MINUTE;
/** After that nobody can still be about to refer to a blob. */
const SWEPT = 2 * HOUR;

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

describe('maintain() and blobs', () => {
  it('sweeps a blob that nothing refers to, not before an hour', async () => {
    const ref = await opened.blobs.put('raw', Buffer.from('nobody’s'));
    opened.clock.advance(HOUR);
    await maintain();
    expect(Buffer.from(await opened.blobs.read(ref)).toString()).toBe('nobody’s');
    opened.clock.advance(SWEPT - HOUR);
    await maintain();
    await expect(opened.blobs.read(ref)).rejects.toThrow('there is none');
    expect(packs()).toEqual([]);
  });

  it('sweeps what a process left that was killed before its commit', async () => {
    const ref = await opened.blobs.put('raw', Buffer.from('left'));
    await opened.close();
    const { folder, clock } = opened;
    opened = await openInFolder({ folder });
    expect(Buffer.from(await opened.blobs.read(ref)).toString()).toBe('left');
    opened.clock.advance(clock.nowMs - opened.clock.nowMs + SWEPT);
    await maintain();
    expect(packs()).toEqual([]);
  });

  it('keeps for ever what a message or a cursor refers to', async () => {
    const [eventId] = await scene.commit(account, [webhookId]);
    const fence = await scene.lease(account.id);
    const base = await opened.blobs.put('ledger', Buffer.from('base'));
    const cursor: Pop3Cursor = {
      protocol: 'pop3',
      mailbox: '',
      listingHash: null,
      listedCount: 1,
      base,
      backfill: null,
    };
    await opened.store.saveProgress(fence, scene.progress({ cursor }), scene.now);
    for (let hours = 0; hours < 6; hours++) {
      opened.clock.advance(HOUR);
      await maintain();
    }
    const event = (await opened.store.message(eventId as EventId))?.event;
    expect(Buffer.from(await opened.blobs.read(event?.raw as never)).toString()).toBe(`raw ${eventId}`);
    expect(Buffer.from(await opened.blobs.read(event?.body as never)).toString()).toBe(`event ${eventId}`);
    expect(Buffer.from(await opened.blobs.read(base)).toString()).toBe('base');
  });

  it('drops the ledger that a newer one replaced', async () => {
    const fence = await scene.lease(account.id);
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
      return base;
    };
    const [old, present] = [await save('old'), await save('new')];
    opened.clock.advance(SWEPT);
    await maintain();
    await expect(opened.blobs.read(old)).rejects.toThrow();
    expect(Buffer.from(await opened.blobs.read(present)).toString()).toBe('new');
  });

  it('refuses a commit of blobs that were swept meanwhile: a machine may sleep for hours', async () => {
    const event = await scene.event(account, [webhookId]);
    opened.clock.advance(SWEPT);
    await maintain();
    const fence = await scene.lease(account.id);
    await expect(opened.store.commit(fence, [event], scene.now)).rejects.toThrow('swept');
    expect(await messages()).toEqual([]);
    const again = { ...event, ...(await scene.event(account, [webhookId], { source: event.source })) };
    expect(await opened.store.commit(fence, [again], scene.now)).toMatchObject({ committed: [event.id] });
  });

  it('leaves files alone that are not its own', async () => {
    writeFileSync(join(opened.folder, 'blobs', 'README'), 'x');
    opened.clock.advance(SWEPT);
    await maintain();
    expect(packs()).toEqual(['README']);
  });

  it('erases the mail of a removed account, though mail of others lies beside it', async () => {
    const other = await scene.addAccount('bo');
    const [mine] = (await scene.commit(account, [webhookId])) as [EventId];
    const [theirs] = (await scene.commit(other, [webhookId])) as [EventId];
    expect(packs()).toHaveLength(1);
    const bytes = () => readFileSync(join(opened.folder, 'blobs', packs()[0] ?? ''), 'latin1');
    expect(bytes()).toContain(mine);
    await opened.store.removeAccount(account.id);
    await maintain();
    expect(bytes()).not.toContain(mine);
    expect(bytes()).toContain(theirs);
    const raw = (await opened.store.message(theirs))?.event.raw;
    expect(Buffer.from(await opened.blobs.read(raw as never)).toString()).toBe(`raw ${theirs}`);
  });

  it('removes the packs of a removed account', async () => {
    await scene.commit(account, [webhookId], 60);
    await opened.store.removeAccount(account.id);
    opened.clock.advance(SWEPT);
    await maintain();
    expect(packs()).toEqual([]);
  });
});

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
