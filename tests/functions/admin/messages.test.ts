import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  deliverySchema,
  messageSchema,
  messageWithLinksSchema,
} from '../../../functions/admin/message-schema.ts';
import type { EventId, WebhookId } from '../../../shared/identity.ts';
import { type AdminWorld, accountBody, createAdminWorld, webhookId } from '../../support/admin-world.ts';
import { takenAttempt } from '../../support/fake-operations.ts';

let world: AdminWorld;
let account: string;
let webhook: WebhookId;
beforeEach(async () => {
  world = await createAdminWorld();
  account = (await world.call('POST', '/v1/accounts', accountBody({ onDelivered: 'mark-seen' }))).body.id;
  webhook = webhookId(
    (await world.call('POST', '/v1/webhooks', { url: 'http://127.0.0.1:3000/', name: 'crm' })).body,
  );
});
afterEach(() => world.close());

/** Ends the deliveries of these messages as a dispatch would. */
async function deliver(
  ids: readonly EventId[],
  kind: 'delivered' | 'exhausted' = 'delivered',
): Promise<void> {
  const { store } = world.embedded;
  const claims = await store.claim(
    ids.map((eventId) => ({ eventId, webhookId: webhook })),
    world.clock.now(),
    60_000,
  );
  const done = claims.map((claim) => ({ claim, outcome: { kind, attempt: takenAttempt } as const }));
  await store.finish(done, world.clock.now());
}

const get = async (path: string) => (await world.call('GET', path)).body;
const subjects = async (query: string) =>
  (await get(`/v1/messages?${query}`)).data.map(({ subject }) => subject);
const states = async () =>
  (await get('/v1/deliveries')).data.map(({ state }: { state: string }) => state).sort();

describe('messages', () => {
  it('are shown with their deliveries and their settlement, as the contract says', async () => {
    const [id] = await world.commit(account, ['Grüße']);
    const message = await get(`/v1/messages/${id}`);
    expect(message).toEqual({
      id,
      account,
      source: { protocol: 'imap', mailbox: 'INBOX', uidValidity: '1', uid: 1 },
      messageId: '<1@example.com>',
      from: 'Ana <ana@example.com>',
      subject: 'Grüße',
      receivedAt: '2026-03-01T12:00:00.000Z',
      size: 100,
      state: 'pending',
      deliveries: [
        {
          id: `${id}.${webhook}`,
          webhook,
          state: 'pending',
          attempts: 0,
          nextAttemptAt: expect.any(String),
        },
      ],
      settlement: { action: 'mark-seen', state: 'waiting', reason: null },
      links: null,
    });
    expect(messageWithLinksSchema.strict().safeParse(message).success).toBe(true);
    const [listed] = (await get('/v1/messages')).data;
    expect(messageSchema.strict().safeParse(listed).success).toBe(true);
  });

  it('are listed newest first, by account, state and time', async () => {
    const first = await world.commit(account, ['one']);
    world.clock.advance(60_000);
    await world.commit(account, ['two']);
    await deliver(first);
    expect(await subjects('')).toEqual(['two', 'one']);
    expect(await subjects('account=ana&state=delivered')).toEqual(['one']);
    expect(await subjects('since=2026-03-01T12:00:30Z')).toEqual(['two']);
    expect(await subjects('since=2026-03-01')).toEqual(['two', 'one']);
    expect(await subjects('limit=1')).toEqual(['two']);
  });

  it.each([
    ['account=nobody', 404],
    ['state=lost', 400],
    ['since=yesterday', 400],
    ['from=ana', 400],
  ])('refuse the query %s with %i', async (query, status) => {
    expect((await world.call('GET', `/v1/messages?${query}`)).status).toBe(status);
  });

  it.each(['nonsense', 'msg_aaaaaaaaaaaaaaaaaaaaaaaaaa', '../accounts'])('answer 404 for %s', async (id) => {
    expect(await world.call('GET', `/v1/messages/${encodeURIComponent(id)}`)).toMatchObject({
      status: 404,
      body: { code: 'message-not-found' },
    });
  });

  it('are given raw, byte for byte, and never to be shown by a browser', async () => {
    const [id] = await world.commit(account, ['raw']);
    const response = await world.app.request(`/v1/messages/${id}/raw`);
    expect(Buffer.from(await response.arrayBuffer()).toString('latin1')).toBe(
      'Subject: raw\r\n\r\nbytes \xff of 1',
    );
    expect(response.headers.get('content-type')).toBe('message/rfc822');
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="${id}.eml"`);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });
});

describe('replaying messages', () => {
  it('makes the deliveries due that a message had', async () => {
    const ids = await world.commit(account, ['one', 'two']);
    await deliver(ids);
    expect(await states()).toEqual(['delivered', 'delivered']);
    const answer = await world.call('POST', '/v1/messages/replay', { ids: [ids[0], ids[0]] });
    expect(answer.body).toEqual({
      deliveries: [{ id: `${ids[0]}.${webhook}`, message: ids[0], webhook }],
    });
    expect(await states()).toEqual(['delivered', 'pending']);
  });

  it('goes to a webhook that came later when it is named', async () => {
    const [id] = await world.commit(account, ['one']);
    const later = (await world.call('POST', '/v1/webhooks', { url: 'http://127.0.0.1:4000/', name: 'late' }))
      .body.id;
    await world.call('POST', '/v1/messages/replay', { ids: [id], webhook: 'late' });
    const message = await get(`/v1/messages/${id}`);
    expect(message.deliveries.map((delivery) => delivery.webhook).sort()).toEqual([webhook, later].sort());
  });

  it('goes to those that select the account when there were none, and is refused when there are none', async () => {
    await world.call('DELETE', '/v1/webhooks/crm');
    const [id] = await world.commit(account, ['one']);
    expect(await world.call('POST', '/v1/messages/replay', { ids: [id] })).toMatchObject({
      status: 409,
      body: { code: 'no-webhook' },
    });
    await world.call('POST', '/v1/webhooks', { url: 'http://127.0.0.1:4000/' });
    expect((await world.call('POST', '/v1/messages/replay', { ids: [id] })).body.deliveries).toHaveLength(1);
  });

  it('replays nothing when one of the messages is not there', async () => {
    const ids = await world.commit(account, ['one']);
    await deliver(ids);
    const answer = await world.call('POST', '/v1/messages/replay', {
      ids: [...ids, 'msg_aaaaaaaaaaaaaaaaaaaaaaaaaa'],
    });
    expect(answer.status).toBe(404);
    expect(await states()).toEqual(['delivered']);
  });
});

describe('deliveries', () => {
  it('are listed by webhook and state, and shown with their attempts', async () => {
    const ids = await world.commit(account, ['one', 'two']);
    await deliver(ids.slice(0, 1), 'exhausted');
    const { data } = await get('/v1/deliveries?webhook=crm&state=exhausted');
    expect(data).toEqual([
      {
        id: `${ids[0]}.${webhook}`,
        message: ids[0],
        webhook,
        state: 'exhausted',
        attempts: [takenAttempt],
        nextAttemptAt: null,
      },
    ]);
    const shown = await get(`/v1/deliveries/${ids[0]}.${webhook}`);
    expect(shown).toEqual(data[0]);
    expect(deliverySchema.strict().safeParse(shown).success).toBe(true);
  });

  it('are sent again on retry, and only those that are there', async () => {
    const ids = await world.commit(account, ['one']);
    await deliver(ids, 'exhausted');
    const answer = await world.call('POST', `/v1/deliveries/${ids[0]}.${webhook}/retry`);
    expect(answer.body).toMatchObject({ state: 'pending', nextAttemptAt: expect.any(String) });
    const absent = `${ids[0]}.wh_aaaaaaaaaaaaaaaa`;
    expect((await world.call('POST', `/v1/deliveries/${absent}/retry`)).status).toBe(404);
    expect((await world.call('POST', '/v1/deliveries/nonsense/retry')).status).toBe(404);
  });

  it('cannot be sent again to a webhook that is removed', async () => {
    const [id] = await world.commit(account, ['one']);
    await world.call('DELETE', '/v1/webhooks/crm');
    const answer = await world.call('POST', `/v1/deliveries/${id}.${webhook}/retry`);
    expect(answer.status).toBe(404);
  });

  it('are counted before they are replayed, and only counted in a dry run', async () => {
    const old = await world.commit(account, ['old']);
    world.clock.advance(60_000);
    const ids = await world.commit(account, ['one', 'two', 'three']);
    await deliver([...old, ...ids.slice(0, 2)]);
    const body = { webhook: 'crm', since: '2026-03-01T12:01:00Z' };
    const counted = {
      webhook,
      since: '2026-03-01T12:01:00.000Z',
      states: { delivered: 2, pending: 1 },
      matched: 3,
    };
    expect((await world.call('POST', '/v1/deliveries/replay', { ...body, dryRun: true })).body).toEqual({
      ...counted,
      dryRun: true,
      replayed: 0,
    });
    expect(await states()).toEqual(['delivered', 'delivered', 'delivered', 'pending']);
    expect((await world.call('POST', '/v1/deliveries/replay', body)).body).toEqual({
      ...counted,
      dryRun: false,
      replayed: 3,
    });
    expect(await states()).toEqual(['delivered', 'pending', 'pending', 'pending']);
  });

  it('are replayed in the states that are named only', async () => {
    const ids = await world.commit(account, ['one', 'two']);
    await deliver(ids.slice(0, 1), 'exhausted');
    const body = { webhook, since: '2026-01-01', states: ['exhausted'] };
    expect((await world.call('POST', '/v1/deliveries/replay', body)).body).toMatchObject({
      matched: 1,
      replayed: 1,
    });
  });

  it.each([
    [{ since: '2026-01-01' }, 400],
    [{ webhook: 'crm' }, 400],
    [{ webhook: 'crm', since: 'yesterday' }, 400],
    [{ webhook: 'crm', since: '2026-01-01', states: ['lost'] }, 400],
    [{ webhook: 'nobody', since: '2026-01-01' }, 404],
  ])('refuse to be replayed by %j with %i', async (body, status) => {
    expect((await world.call('POST', '/v1/deliveries/replay', body)).status).toBe(status);
  });
});
