import { expect, it } from 'vitest';
import type { EventId } from '../../shared/identity.ts';
import type { Claim } from '../../shared/ports/store.ts';
import { MINUTE, TTL } from './fixtures.ts';
import type { Scene, StoreTests } from './scene.ts';

/** Commits one message with this token, and what was committed. */
async function committed(scene: Scene, linkToken: string | null) {
  const account = await scene.addAccount();
  const webhook = await scene.addWebhook({ attachments: 'inline' });
  const fence = await scene.lease(account.id);
  const event = await scene.event(account, [webhook.id], { linkToken });
  await scene.store.commit(fence, [event], scene.now);
  await scene.store.release(fence, scene.health());
  return { account, webhook, event, ref: { eventId: event.id, webhookId: webhook.id } };
}

const body = (scene: Scene, text: string) => scene.blobs.put('body', Buffer.from(text));

export const fileTests: StoreTests = (scene) => {
  it('linked() gives of an event what its links need', async () => {
    const { event } = await committed(scene(), 'token-of-22-characters');
    expect(await scene().store.linked(event.id)).toEqual({
      id: event.id,
      linkToken: 'token-of-22-characters',
      committedAt: scene().now.toISOString(),
      sizeBytes: event.sizeBytes,
      raw: event.raw,
      body: event.body,
    });
    expect((await scene().store.message(event.id))?.event.linkToken).toBe('token-of-22-characters');
  });

  it('linked() gives no token of an event that was committed without one', async () => {
    const { event } = await committed(scene(), null);
    expect(await scene().store.linked(event.id)).toMatchObject({ linkToken: null });
  });

  it('commit() of a message that exists leaves its token alone', async () => {
    const { account, event } = await committed(scene(), 'first');
    const fence = await scene().lease(account.id);
    await scene().store.commit(fence, [{ ...event, linkToken: 'second' }], scene().now);
    expect(await scene().store.linked(event.id)).toMatchObject({ linkToken: 'first', body: event.body });
  });

  it('linked() knows nothing of an event that never was, nor of one of a removed account', async () => {
    expect(await scene().store.linked(`msg_${'z'.repeat(26)}` as EventId)).toBeNull();
    const { account, event } = await committed(scene(), 'token');
    await scene().store.removeAccount(account.id);
    expect(await scene().store.linked(event.id)).toBeNull();
  });

  it('claim() keeps the form in which the webhook took attachments at first', async () => {
    const { webhook, ref } = await committed(scene(), null);
    const first = await scene().claim(ref);
    expect(first).toMatchObject({ attachments: 'inline', frozen: false });
    await scene().store.updateWebhook(webhook.id, { attachments: 'none' }, scene().now);
    scene().clock.advance(TTL);
    const second = await scene().claim(ref);
    expect([second.attachments, second.webhook.attachments]).toEqual(['inline', 'none']);
    await scene().store.finish([{ claim: second, outcome: scene().delivered() }], scene().now);
    await scene().store.replay(ref, 'replay', scene().now);
    expect(await scene().claim(ref)).toMatchObject({ attachments: 'inline' });
  });

  it('freeze() makes its bytes those of every attempt, until they are reduced', async () => {
    const { event, ref } = await committed(scene(), null);
    const frozen = await body(scene(), 'frozen');
    const reduced = await body(scene(), 'reduced');
    const first = await scene().claim(ref);
    expect(first.body).toBe(event.body);
    expect(await scene().store.freeze(first, frozen)).toBe('ok');
    const retry = (claim: Claim, change = {}) =>
      scene().store.finish([{ claim, outcome: scene().retry(MINUTE, change) }], scene().now);
    await retry(first);
    scene().clock.advance(MINUTE);
    const second = await scene().claim(ref);
    expect(second).toMatchObject({ body: frozen, frozen: true, reduced: false });
    expect((await scene().store.delivery(ref))?.body).toBe(frozen);
    await retry(second, { nextBody: reduced });
    scene().clock.advance(MINUTE);
    expect(await scene().claim(ref)).toMatchObject({ body: reduced, frozen: true, reduced: true });
    expect((await scene().store.delivery(ref))?.body).toBe(reduced);
  });

  it('freeze() outlasts a claim that ends before anything was posted', async () => {
    const { ref } = await committed(scene(), null);
    const frozen = await body(scene(), 'frozen');
    await scene().store.freeze(await scene().claim(ref), frozen);
    scene().clock.advance(TTL);
    expect(await scene().claim(ref)).toMatchObject({ body: frozen, frozen: true });
  });

  it('freeze() may be repeated, and is refused once the claim is lost', async () => {
    const { event, ref } = await committed(scene(), null);
    const [one, other] = [await body(scene(), 'one'), await body(scene(), 'other')];
    const lost = await scene().claim(ref);
    scene().clock.advance(TTL);
    const present = await scene().claim(ref);
    expect(await scene().store.freeze(lost, other)).toBe('lost');
    expect((await scene().store.delivery(ref))?.body).toBeNull();
    expect(await scene().store.freeze(present, one)).toBe('ok');
    expect(await scene().store.freeze(present, one)).toBe('ok');
    await scene().store.finish([{ claim: present, outcome: scene().delivered() }], scene().now);
    expect(await scene().store.freeze(present, other)).toBe('lost');
    expect((await scene().store.delivery(ref))?.body).toBe(one);
    expect((await scene().store.message(event.id))?.event.body).toBe(event.body);
  });

  it('keeps the choice of a webhook, and a change of it', async () => {
    const { store, now } = scene();
    const { id } = await scene().addWebhook({ attachments: 'none' });
    expect(await store.webhook(id)).toMatchObject({ attachments: 'none' });
    await store.updateWebhook(id, { attachments: 'inline' }, now);
    expect(await store.webhook(id)).toMatchObject({ attachments: 'inline' });
  });
};
