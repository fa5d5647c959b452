import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { z } from 'zod';
import type { Envelope, MessageData } from '../../shared/event.ts';
import { linksExpireAt } from '../../shared/file-link.ts';
import { type DeliveryRef, deliveryIdOf, parseEventId, type WebhookId } from '../../shared/identity.ts';
import type { MessageFilter, MessageView } from '../../shared/ports/lists.ts';
import { listSchema } from './common-schema.ts';
import type { AdminDeps } from './deps.ts';
import { findAccount, findWebhook, quoted } from './lookup.ts';
import {
  messageQuerySchema,
  messageReplayedSchema,
  messageReplaySchema,
  messageSchema,
  messageWithLinksSchema,
} from './message-schema.ts';
import { isProblem, type Problem, problem } from './problem.ts';
import { messageResource } from './resources.ts';
import { defineRoute, type Route } from './route.ts';

const PATH = '/v1/messages';
const ONE = `${PATH}/{message}`;

/** The routes under `/v1/messages`. */
export const messageRoutes: readonly Route[] = [
  defineRoute(
    {
      method: 'get',
      path: PATH,
      summary: 'Lists the messages, newest first',
      query: messageQuerySchema,
      answer: { name: 'MessageList', schema: listSchema(messageSchema) },
      refusals: [400, 404],
    },
    async (deps, { query }) => {
      const account = query.account === undefined ? null : await findAccount(deps, query.account);
      if (isProblem(account)) return account;
      const filter: MessageFilter = {
        ...(account === null ? {} : { accountId: account.id }),
        ...(query.state === undefined ? {} : { state: query.state }),
        ...(query.since === undefined ? {} : { since: query.since }),
      };
      const page = await deps.store.messages(filter, { after: query.cursor ?? null, limit: query.limit });
      return { data: page.data.map(messageResource), next: page.next };
    },
  ),
  defineRoute(
    {
      method: 'get',
      path: ONE,
      summary: 'Shows a message',
      answer: { name: 'MessageWithLinks', schema: messageWithLinksSchema },
      refusals: [404],
    },
    async (deps, { id }) => {
      const view = await findMessage(deps, id);
      return isProblem(view) ? view : { ...messageResource(view), links: await linksOf(deps, view) };
    },
  ),
  defineRoute(
    {
      method: 'get',
      path: `${ONE}/raw`,
      summary: 'The message as its server gave it',
      answer: { mediaType: 'message/rfc822' },
      refusals: [404],
    },
    async (deps, { id }) => {
      const view = await findMessage(deps, id);
      return isProblem(view) ? view : rawResponse(deps, view);
    },
  ),
  defineRoute(
    {
      method: 'post',
      path: `${PATH}/replay`,
      summary: 'Delivers messages again, under the same ids',
      body: { name: 'MessageReplay', schema: messageReplaySchema },
      answer: { name: 'MessageReplayed', schema: messageReplayedSchema },
      refusals: [400, 404, 409],
    },
    async (deps, { body }) => {
      const webhook = body.webhook === undefined ? null : await findWebhook(deps, body.webhook);
      if (isProblem(webhook)) return webhook;
      const refs = await replayRefs(deps, body.ids, webhook?.id ?? null);
      return isProblem(refs) ? refs : replayMessages(deps, refs);
    },
  ),
];

async function findMessage(deps: AdminDeps, text: string): Promise<MessageView | Problem> {
  const id = parseEventId(text);
  const view = id === null ? null : await deps.store.message(id);
  return view ?? problem(404, 'message-not-found', `There is no message ${quoted(text)}`);
}

/** The links that the event of a message was frozen with. */
async function linksOf(
  { store, blobs, clock, linkDays }: AdminDeps,
  { event: { id, linkToken, committedAt } }: MessageView,
): Promise<z.input<typeof messageWithLinksSchema>['links']> {
  const expireAt = linksExpireAt(committedAt, linkDays);
  if (linkToken === null || expireAt <= clock.now()) return null;
  const linked = await store.linked(id);
  if (linked === null) return null;
  const body = Buffer.from(await blobs.read(linked.body)).toString('utf8');
  const { raw, attachments } = (JSON.parse(body) as Envelope<MessageData>).data;
  return {
    expireAt: expireAt.toISOString(),
    raw: raw.href,
    attachments: attachments.map((one) => ({ id: one.id, filename: one.filename, href: one.href })),
  };
}

async function rawResponse(deps: AdminDeps, view: MessageView): Promise<Response | Problem> {
  const { id, raw } = view.event;
  if (raw === null)
    return problem(404, 'raw-not-kept', `The raw bytes of message ${quoted(id)} are not kept`);
  const bytes = Readable.toWeb(await deps.blobs.open(raw)) as ReadableStream<Uint8Array>;
  return new Response(bytes, {
    headers: {
      // A mail may hold HTML and scripts: it is saved, never shown under this origin.
      'content-type': 'message/rfc822',
      'content-disposition': `attachment; filename="${id}.eml"`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'cache-control': 'no-store',
    },
  });
}

/** The deliveries to make due, all or none: an unknown message refuses the lot before anything is replayed. */
async function replayRefs(
  deps: AdminDeps,
  ids: readonly string[],
  webhookId: WebhookId | null,
): Promise<readonly DeliveryRef[] | Problem> {
  const refs: DeliveryRef[] = [];
  for (const id of new Set(ids)) {
    const view = await findMessage(deps, id);
    if (isProblem(view)) return view;
    const webhookIds = webhookId === null ? await webhooksOf(deps, view) : [webhookId];
    if (webhookIds.length === 0) {
      return problem(
        409,
        'no-webhook',
        `No webhook takes message ${quoted(id)}: add one, or name one to replay to`,
      );
    }
    refs.push(...webhookIds.map((webhook) => ({ eventId: view.event.id, webhookId: webhook })));
  }
  return refs;
}

async function webhooksOf(
  deps: AdminDeps,
  { event, deliveries }: MessageView,
): Promise<readonly WebhookId[]> {
  const known = deliveries.filter((delivery) => delivery.state !== 'cancelled');
  if (known.length > 0) return known.map((delivery) => delivery.webhookId);
  return deps.store.subscribers(event.accountId, event.type);
}

async function replayMessages(
  deps: AdminDeps,
  refs: readonly DeliveryRef[],
): Promise<{ deliveries: { id: string; message: string; webhook: string }[] }> {
  const deliveries: { id: string; message: string; webhook: string }[] = [];
  for (const ref of refs) {
    if ((await deps.store.replay(ref, 'replay', deps.clock.now())) === 'gone') continue;
    deliveries.push({ id: deliveryIdOf(ref), message: ref.eventId, webhook: ref.webhookId });
  }
  return { deliveries };
}
