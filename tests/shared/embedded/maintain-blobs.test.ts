import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Account } from '../../../shared/account.ts';
import type { EventId, WebhookId } from '../../../shared/identity.ts';
import type { Pop3Cursor } from '../../../shared/ports/mail-source.ts';
import { FIRST, MINUTE } from '../../contract/fixtures.ts';
import { Scene } from '../../contract/scene.ts';
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
