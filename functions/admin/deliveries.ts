import type { z } from 'zod';
import type { Delivery, DeliveryState } from '../../shared/delivery.ts';
import { type DeliveryRef, parseDeliveryId } from '../../shared/identity.ts';
import type { DeliveryFilter } from '../../shared/ports/lists.ts';
import type { Webhook } from '../../shared/webhook.ts';
import { listSchema } from './common-schema.ts';
import type { AdminDeps } from './deps.ts';
import { everyItem, findWebhook, quoted } from './lookup.ts';
import {
  deliveryQuerySchema,
  deliveryReplayedSchema,
  deliveryReplaySchema,
  deliverySchema,
} from './message-schema.ts';
import { isProblem, type Problem, problem } from './problem.ts';
import { deliveryResource } from './resources.ts';
import { defineRoute, type Route } from './route.ts';

const PATH = '/v1/deliveries';
const ONE = `${PATH}/{delivery}`;
const answer = { name: 'Delivery', schema: deliverySchema };

/** The routes under `/v1/deliveries`. */
export const deliveryRoutes: readonly Route[] = [
  defineRoute(
    {
      method: 'get',
      path: PATH,
      summary: 'Lists the deliveries, newest first',
      query: deliveryQuerySchema,
      answer: { name: 'DeliveryList', schema: listSchema(deliverySchema) },
      refusals: [400, 404],
    },
    async (deps, { query }) => {
      const webhook = query.webhook === undefined ? null : await findWebhook(deps, query.webhook);
      if (isProblem(webhook)) return webhook;
      const filter: DeliveryFilter = {
        ...(webhook === null ? {} : { webhookId: webhook.id }),
        ...(query.state === undefined ? {} : { state: query.state }),
        ...(query.since === undefined ? {} : { since: query.since }),
      };
      const page = await deps.store.deliveries(filter, { after: query.cursor ?? null, limit: query.limit });
      return { data: page.data.map(deliveryResource), next: page.next };
    },
  ),
  defineRoute(
    {
      method: 'get',
      path: ONE,
      summary: 'Shows a delivery with its latest attempts',
      answer,
      refusals: [404],
    },
    async (deps, { id }) => {
      const delivery = await findDelivery(deps, id);
      return isProblem(delivery) ? delivery : deliveryResource(delivery);
    },
  ),
  defineRoute(
    {
      method: 'post',
      path: `${ONE}/retry`,
      summary: 'Makes a delivery due now, whatever its state',
      answer,
      refusals: [404],
    },
    async (deps, { id }) => {
      const delivery = await findDelivery(deps, id);
      if (isProblem(delivery)) return delivery;
      const ref: DeliveryRef = { eventId: delivery.eventId, webhookId: delivery.webhookId };
      if ((await deps.store.replay(ref, 'retry', deps.clock.now())) === 'gone') {
        return problem(404, 'webhook-not-found', `The webhook ${quoted(delivery.webhookId)} is removed`);
      }
      const retried = await findDelivery(deps, id);
      return isProblem(retried) ? retried : deliveryResource(retried);
    },
  ),
  defineRoute(
    {
      method: 'post',
      path: `${PATH}/replay`,
      summary: 'Delivers again what a webhook had since a time, under the same ids',
      body: { name: 'DeliveryReplay', schema: deliveryReplaySchema },
      answer: { name: 'DeliveryReplayed', schema: deliveryReplayedSchema },
      refusals: [400, 404],
    },
    async (deps, { body }) => {
      const webhook = await findWebhook(deps, body.webhook);
      return isProblem(webhook) ? webhook : replayDeliveries(deps, webhook, body);
    },
  ),
];

async function findDelivery(deps: AdminDeps, text: string): Promise<Delivery | Problem> {
  const ref = parseDeliveryId(text);
  const delivery = ref === null ? null : await deps.store.delivery(ref);
  return delivery ?? problem(404, 'delivery-not-found', `There is no delivery ${quoted(text)}`);
}

/** Collects first and replays then: a replayed delivery changes its state, and would be met again. */
async function replayDeliveries(
  deps: AdminDeps,
  webhook: Webhook,
  input: z.output<typeof deliveryReplaySchema>,
): Promise<z.input<typeof deliveryReplayedSchema>> {
  const states: Partial<Record<DeliveryState, number>> = {};
  const refs: DeliveryRef[] = [];
  for (const state of new Set(input.states)) {
    const filter: DeliveryFilter = { webhookId: webhook.id, state, since: input.since };
    for await (const delivery of everyItem((page) => deps.store.deliveries(filter, page))) {
      states[state] = (states[state] ?? 0) + 1;
      refs.push({ eventId: delivery.eventId, webhookId: delivery.webhookId });
    }
  }
  let replayed = 0;
  // They come newest first; the oldest has waited longest.
  for (const ref of input.dryRun ? [] : refs.reverse()) {
    if ((await deps.store.replay(ref, 'replay', deps.clock.now())) === 'ok') replayed += 1;
  }
  return {
    webhook: webhook.id,
    since: input.since.toISOString(),
    dryRun: input.dryRun,
    states,
    matched: refs.length,
    replayed,
  };
}
