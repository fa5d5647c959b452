import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { createDynamoStore } from '../../../../shared/aws/store/create-dynamo-store.ts';
import { cursorKey, deliveryKey, eventKey, type Key } from '../../../../shared/aws/store/keys.ts';
import { attributes } from '../../../../shared/aws/store/marshal.ts';
import { EXPIRY_ATTRIBUTE } from '../../../../shared/aws/store/table.ts';
import type { EventId } from '../../../../shared/identity.ts';
import type { BlobRef } from '../../../../shared/ports/blobs.ts';
import type { Pop3Cursor } from '../../../../shared/ports/mail-source.ts';
import { createMemoryBlobs } from '../../../aws/store/memory-blobs.ts';
import { DAY, MINUTE, TestClock, TTL } from '../../../contract/fixtures.ts';
import { Scene } from '../../../contract/scene.ts';
import { createMemoryDynamo } from '../../../support/dynamo/memory-dynamo.ts';

const POP3 = { protocol: 'pop3', mailboxes: [], port: 995 } as const;
const goOn = () => true;

function open() {
  const clock = new TestClock();
  const { client } = createMemoryDynamo();
  const store = createDynamoStore({ client, table: 'table', clock });
  const scene = new Scene({ store, clock, blobs: createMemoryBlobs() });
  /** When an item may be deleted; null for one that stays. */
  const expiry = async (key: Key) => {
    const { Item: item } = await client.send(
      new GetItemCommand({ TableName: 'table', Key: attributes({ ...key }) }),
    );
    if (item === undefined) throw new Error('There is no such item');
    const seconds = item[EXPIRY_ATTRIBUTE]?.N;
    return seconds === undefined ? null : new Date(Number(seconds) * 1_000);
  };
  return { scene, store, clock, expiry, maintain: store.maintain };
}

type Opened = ReturnType<typeof open>;

/** A message with one delivery. */
async function message({ scene }: Opened, change = {}, source?: { protocol: 'pop3'; uidl: string }) {
  const account = await scene.addAccount('ana', change);
  const { id: webhookId } = await scene.addWebhook();
  const fence = await scene.lease(account.id);
  const event = await scene.event(account, [webhookId], source === undefined ? {} : { source });
  await scene.store.commit(fence, [event], scene.now);
  return { account, fence, eventId: event.id, ref: { eventId: event.id, webhookId } };
}

const inDays = (clock: TestClock, days: number) => new Date(clock.nowMs + days * DAY);

describe('the retention of events', () => {
  it('an event stays as long as a delivery is open, and 30 days after the last has ended', async () => {
    const opened = open();
    const { eventId, ref } = await message(opened);
    expect(await opened.expiry(eventKey(eventId))).toBeNull();
    expect(await opened.expiry(deliveryKey(ref))).toBeNull();
    opened.clock.advance(3 * DAY);
    await opened.scene.end(ref, opened.scene.delivered());
    expect(await opened.expiry(eventKey(eventId))).toEqual(inDays(opened.clock, 30));
  });

  it('a delivery is never gone before its event, however late another one of it ends', async () => {
    const opened = open();
    const { eventId, ref } = await message(opened);
    await opened.scene.end(ref, opened.scene.delivered());
    const [event, delivery] = [await opened.expiry(eventKey(eventId)), await opened.expiry(deliveryKey(ref))];
    // Another one may be parked for 30 days, and be attempted for four.
    expect(delivery?.getTime()).toBeGreaterThanOrEqual((event?.getTime() ?? 0) + 34 * DAY);
  });

  it('an event without webhooks expires 30 days after it was committed', async () => {
    const { scene, clock, expiry } = open();
    const account = await scene.addAccount();
    const [id] = (await scene.commit(account, [])) as [EventId];
    expect(await expiry(eventKey(id))).toEqual(inDays(clock, 30));
  });

  it('an event stays until its message is deleted on the server', async () => {
    const opened = open();
    const { account, fence, eventId, ref } = await message(opened, { deleteAfterDays: 60 });
    await opened.scene.end(ref, opened.scene.delivered());
    expect(await opened.expiry(eventKey(eventId))).toBeNull();
    opened.clock.advance(60 * DAY);
    const { settlements } = await opened.store.pollState(account.id, opened.scene.now);
    const closed = settlements.map(({ key }) => ({ key, as: 'done' as const }));
    expect(closed).toHaveLength(1);
    await opened.store.saveProgress(fence, opened.scene.progress({ closed }), opened.scene.now);
    expect(await opened.expiry(eventKey(eventId))).not.toBeNull();
  });

  it('replay() makes event and delivery stay again', async () => {
    const opened = open();
    const { eventId, ref } = await message(opened);
    await opened.scene.end(ref, opened.scene.delivered());
    await opened.store.replay(ref, 'replay', opened.scene.now);
    expect(await opened.expiry(eventKey(eventId))).toBeNull();
    expect(await opened.expiry(deliveryKey(ref))).toBeNull();
  });

  it('replay() is gone once the bytes are, 75 days after they came', async () => {
    const opened = open();
    const { ref } = await message(opened);
    opened.clock.advance(75 * DAY - MINUTE);
    expect(await opened.store.replay(ref, 'replay', opened.scene.now)).toBe('ok');
    opened.clock.advance(MINUTE);
    expect(await opened.store.replay(ref, 'replay', opened.scene.now)).toBe('gone');
  });

  it('what waited 30 days behind a gate is cancelled, with what follows for its event', async () => {
    const opened = open();
    const { scene, store, clock, maintain } = opened;
    const { eventId, ref } = await message(opened);
    await store.updateWebhook(ref.webhookId, { state: 'disabled' }, scene.now);
    await store.claim([ref], scene.now, TTL);
    clock.advance(30 * DAY);
    await maintain(scene.now, goOn);
    expect(await store.delivery(ref)).toMatchObject({ state: 'parked' });
    clock.advance(DAY);
    await maintain(scene.now, goOn);
    expect(await store.delivery(ref)).toMatchObject({ state: 'cancelled' });
    expect((await store.message(eventId))?.event).toMatchObject({ open: 0 });
    expect(await opened.expiry(eventKey(eventId))).toEqual(inDays(clock, 30));
  });
});

describe('the retention of POP3 events', () => {
  const source = { protocol: 'pop3', uidl: 'one' } as const;
  const cursor = (base: string | null): Pop3Cursor => ({
    ...{ protocol: 'pop3', mailbox: '', listingHash: 'ab', listedCount: 1, backfill: null },
    base: base as BlobRef | null,
  });

  it('an event that ended before a ledger had it stays until one does', async () => {
    const opened = open();
    const { scene, store, clock, maintain } = opened;
    const { fence, eventId, ref } = await message(opened, POP3, source);
    await scene.end(ref, scene.delivered());
    clock.advance(90 * DAY);
    await maintain(scene.now, goOn);
    expect(await opened.expiry(eventKey(eventId))).toBeNull();
    await store.saveProgress(fence, scene.progress({ cursor: cursor('ledger/1') }), scene.now);
    clock.advance(31 * MINUTE);
    await maintain(scene.now, goOn);
    expect(await opened.expiry(eventKey(eventId))).not.toBeNull();
  });

  it('an event that ends after a ledger has it expires by itself', async () => {
    const opened = open();
    const { scene, store, clock } = opened;
    const { fence, eventId, ref } = await message(opened, POP3, source);
    clock.advance(MINUTE);
    await store.saveProgress(fence, scene.progress({ cursor: cursor('ledger/1') }), scene.now);
    await scene.end(ref, scene.delivered());
    expect(await opened.expiry(eventKey(eventId))).toEqual(inDays(clock, 30));
  });

  it('an event committed after the ledger was saved stays', async () => {
    const opened = open();
    const { scene, store, clock, maintain } = opened;
    const { account, fence, ref } = await message(opened, POP3, source);
    await store.saveProgress(fence, scene.progress({ cursor: cursor('ledger/1') }), scene.now);
    clock.advance(MINUTE);
    const later = await scene.event(account, [ref.webhookId], { source: { ...source, uidl: 'two' } });
    await store.commit(fence, [later], scene.now);
    await scene.end({ ...ref, eventId: later.id }, scene.delivered());
    clock.advance(60 * MINUTE);
    await maintain(scene.now, goOn);
    expect(await opened.expiry(eventKey(later.id))).toBeNull();
  });

  it('an event that is open when the ledger is walked expires when it ends', async () => {
    const opened = open();
    const { scene, store, clock, maintain } = opened;
    const { fence, eventId, ref } = await message(opened, POP3, source);
    clock.advance(MINUTE);
    await store.saveProgress(fence, scene.progress({ cursor: cursor('ledger/1') }), scene.now);
    clock.advance(60 * MINUTE);
    await maintain(scene.now, goOn);
    expect(await opened.expiry(eventKey(eventId))).toBeNull();
    await scene.end(ref, scene.delivered());
    expect(await opened.expiry(eventKey(eventId))).not.toBeNull();
  });

  it('a cursor that lost its ledger covers nothing any more', async () => {
    const opened = open();
    const { scene, store, clock } = opened;
    const { fence, eventId, ref } = await message(opened, POP3, source);
    clock.advance(MINUTE);
    await store.saveProgress(fence, scene.progress({ cursor: cursor('ledger/1') }), scene.now);
    await store.saveProgress(fence, scene.progress({ cursor: cursor(null) }), scene.now);
    await scene.end(ref, scene.delivered());
    expect(await opened.expiry(eventKey(eventId))).toBeNull();
  });

  it('a cursor that keeps its ledger leaves the time of it as it is', async () => {
    const opened = open();
    const { scene, store, clock } = opened;
    const { account, fence, ref } = await message(opened, POP3, source);
    await store.saveProgress(fence, scene.progress({ cursor: cursor('ledger/1') }), scene.now);
    clock.advance(MINUTE);
    const later = await scene.event(account, [ref.webhookId], { source: { ...source, uidl: 'two' } });
    await store.commit(fence, [later], scene.now);
    clock.advance(MINUTE);
    const same = { ...cursor('ledger/1'), listedCount: 2 };
    await store.saveProgress(fence, scene.progress({ cursor: same }), scene.now);
    await scene.end({ ...ref, eventId: later.id }, scene.delivered());
    expect(await opened.expiry(eventKey(later.id))).toBeNull();
    expect(await opened.expiry(cursorKey(account.id, ''))).toBeNull();
  });
});
