import type { EventId } from '../../../shared/identity.ts';
import type { Scene } from '../../contract/scene.ts';

/** A message with a delivery for each of so many webhooks. */
export async function message(scene: Scene, webhooks: number, change = {}) {
  const account = await scene.addAccount('ana', change);
  const ids = [];
  for (let number = 0; number < webhooks; number++) ids.push((await scene.addWebhook()).id);
  const [eventId] = (await scene.commit(account, ids)) as [EventId];
  return { account, eventId, refs: ids.map((webhookId) => ({ eventId, webhookId })) };
}

/** The open, delivered and failed deliveries of a message, as its event counts them. */
export async function counters(scene: Scene, id: EventId): Promise<unknown[]> {
  const event = (await scene.store.message(id))?.event;
  return [event?.open, event?.delivered, event?.failed];
}
