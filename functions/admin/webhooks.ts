import type { z } from 'zod';
import type { Webhook } from '../../shared/webhook.ts';
import {
  addWebhook,
  disableWebhook,
  enableWebhook,
  rotateSecret,
  updateWebhook,
  type WebhookWithSecret,
} from './change-webhook.ts';
import { listSchema, pageQuerySchema, removedSchema } from './common-schema.ts';
import type { AdminDeps } from './deps.ts';
import { findWebhook, quoted } from './lookup.ts';
import { isProblem, type Problem, problem } from './problem.ts';
import { attemptResource, webhookResource } from './resources.ts';
import { defineRoute, type Route } from './route.ts';
import {
  attemptSchema,
  rotateSecretSchema,
  webhookCreateSchema,
  webhookSchema,
  webhookUpdateSchema,
  webhookWithSecretSchema,
} from './webhook-schema.ts';

const PATH = '/v1/webhooks';
const ONE = `${PATH}/{webhook}`;
const answer = { name: 'Webhook', schema: webhookSchema };
const answerWithSecret = { name: 'WebhookWithSecret', schema: webhookWithSecretSchema };

/** The routes under `/v1/webhooks`. */
export const webhookRoutes: readonly Route[] = [
  defineRoute(
    {
      method: 'post',
      path: PATH,
      summary: 'Adds a webhook; the answer shows its secret',
      body: { name: 'WebhookCreate', schema: webhookCreateSchema },
      status: 201,
      answer: answerWithSecret,
      refusals: [400, 404, 409, 422, 501],
    },
    async (deps, { body }) => withSecret(deps, await addWebhook(deps, body)),
  ),
  defineRoute(
    {
      method: 'get',
      path: PATH,
      summary: 'Lists the webhooks',
      query: pageQuerySchema,
      answer: { name: 'WebhookList', schema: listSchema(webhookSchema) },
      refusals: [400],
    },
    async ({ store, clock }, { query }) => {
      const page = await store.webhooks({ after: query.cursor ?? null, limit: query.limit });
      const pending = await store.pendingOf(page.data.map((webhook) => webhook.id));
      const now = clock.now();
      return {
        data: page.data.map((webhook) => webhookResource(webhook, pending.get(webhook.id) ?? 0, now)),
        next: page.next,
      };
    },
  ),
  defineRoute(
    { method: 'get', path: ONE, summary: 'Shows a webhook', answer, refusals: [404] },
    async (deps, { id }) => asResource(deps, await findWebhook(deps, id)),
  ),
  defineRoute(
    {
      method: 'patch',
      path: ONE,
      summary: 'Changes a webhook',
      body: { name: 'WebhookUpdate', schema: webhookUpdateSchema },
      answer,
      refusals: [400, 404, 409, 422, 501],
    },
    (deps, { id, body }) => change(deps, id, (webhook) => updateWebhook(deps, webhook, body)),
  ),
  defineRoute(
    {
      method: 'delete',
      path: ONE,
      summary: 'Removes a webhook; its open deliveries are cancelled',
      answer: { name: 'Removed', schema: removedSchema },
      refusals: [404],
    },
    async (deps, { id }) => {
      const webhook = await findWebhook(deps, id);
      if (isProblem(webhook)) return webhook;
      const removed = await deps.store.removeWebhook(webhook.id, deps.clock.now());
      if (removed === 'gone') return notFound(webhook);
      return { id: webhook.id, name: webhook.name, removed: true as const };
    },
  ),
  defineRoute(
    {
      method: 'post',
      path: `${ONE}/test`,
      summary: 'Sends a signed webhook.test event once; the answer says how that went',
      answer: { name: 'Attempt', schema: attemptSchema },
      refusals: [404],
    },
    async (deps, { id }) => {
      const webhook = await findWebhook(deps, id);
      if (isProblem(webhook)) return webhook;
      const attempt = await deps.operations.testWebhook(webhook.id);
      return attempt === null ? notFound(webhook) : attemptResource(attempt);
    },
  ),
  defineRoute(
    {
      method: 'post',
      path: `${ONE}/enable`,
      summary: 'Lets deliveries leave, the parked ones too',
      answer,
      refusals: [404],
    },
    (deps, { id }) => change(deps, id, (webhook) => enableWebhook(deps, webhook)),
  ),
  defineRoute(
    {
      method: 'post',
      path: `${ONE}/disable`,
      summary: 'Parks deliveries until the webhook is enabled',
      answer,
      refusals: [404],
    },
    (deps, { id }) => change(deps, id, (webhook) => disableWebhook(deps, webhook)),
  ),
  defineRoute(
    {
      method: 'post',
      path: `${ONE}/rotate-secret`,
      summary: 'Signs with a new secret; the old ones sign along until the grace has passed',
      body: { name: 'RotateSecret', schema: rotateSecretSchema, optional: true },
      answer: answerWithSecret,
      refusals: [400, 404],
    },
    async (deps, { id, body }) => {
      const webhook = await findWebhook(deps, id);
      return isProblem(webhook) ? webhook : withSecret(deps, await rotateSecret(deps, webhook, body));
    },
  ),
  defineRoute(
    {
      method: 'get',
      path: `${ONE}/secret`,
      summary: 'Shows the newest secret',
      answer: answerWithSecret,
      refusals: [404],
    },
    async (deps, { id }) => {
      const webhook = await findWebhook(deps, id);
      if (isProblem(webhook)) return webhook;
      const secret = await deps.operations.revealSecret(webhook.id);
      return secret === null ? notFound(webhook) : withSecret(deps, { webhook, secret });
    },
  ),
];

type WebhookResource = z.input<typeof webhookSchema>;

async function change(
  deps: AdminDeps,
  reference: string,
  apply: (webhook: Webhook) => Promise<Webhook | Problem>,
): Promise<WebhookResource | Problem> {
  const webhook = await findWebhook(deps, reference);
  return isProblem(webhook) ? webhook : asResource(deps, await apply(webhook));
}

async function asResource(deps: AdminDeps, webhook: Webhook | Problem): Promise<WebhookResource | Problem> {
  if (isProblem(webhook)) return webhook;
  const pending = await deps.store.pendingOf([webhook.id]);
  return webhookResource(webhook, pending.get(webhook.id) ?? 0, deps.clock.now());
}

async function withSecret(
  deps: AdminDeps,
  answered: WebhookWithSecret | Problem,
): Promise<z.input<typeof webhookWithSecretSchema> | Problem> {
  if (isProblem(answered)) return answered;
  const resource = await asResource(deps, answered.webhook);
  return isProblem(resource) ? resource : { ...resource, secret: answered.secret };
}

function notFound(webhook: Webhook): Problem {
  return problem(404, 'webhook-not-found', `There is no webhook ${quoted(webhook.name)} any more`);
}
