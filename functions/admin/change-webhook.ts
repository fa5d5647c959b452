import { webhookIdOf } from '../../shared/identity.ts';
import type { Webhook } from '../../shared/webhook.ts';
import { newSecret } from '../../shared/webhook-secret.ts';
import type { AdminDeps } from './deps.ts';
import { quoted } from './lookup.ts';
import { isProblem, type Problem, problem } from './problem.ts';
import { accountIds, checkUrl, notAvailableYet, tooManyWebhooks } from './webhook-checks.ts';
import type { WebhookCreate, WebhookUpdate } from './webhook-schema.ts';
import { rotatedSecrets, sealSecret } from './webhook-secret.ts';

const ID_BYTES = 10;
const MAX_NAME_TRIES = 1_000;
const DISABLED_BY_OWNER = 'disabled by its owner';

/** A webhook with the secret that its owner is shown once. */
export interface WebhookWithSecret {
  readonly webhook: Webhook;
  readonly secret: string;
}

/** Registers a webhook with a secret of its own. */
export async function addWebhook(
  deps: AdminDeps,
  input: WebhookCreate,
): Promise<WebhookWithSecret | Problem> {
  const later = notAvailableYet(input);
  if (later !== null) return later;
  const url = checkUrl(deps, input.url);
  if (isProblem(url)) return url;
  const accounts = await accountIds(deps, input.accounts);
  if (accounts !== null && 'kind' in accounts) return accounts;
  const crowded = await tooManyWebhooks(deps, accounts, null);
  if (crowded !== null) return crowded;
  const id = webhookIdOf(deps.random(ID_BYTES));
  const secret = input.secret ?? newSecret(deps.random);
  const webhook: Omit<Webhook, 'name'> = {
    id,
    url: url.href,
    accounts,
    events: input.events,
    attachments: input.attachments,
    timeoutSeconds: input.timeoutSeconds,
    secrets: [await sealSecret(deps, id, secret)],
    ...(await sealHeaders(deps, id, input.headers)),
    state: 'enabled',
    reason: null,
    gate: null,
    lastSuccessAt: null,
    createdAt: deps.clock.now().toISOString(),
  };
  const named =
    input.name === undefined
      ? await createUnderHostName(deps, webhook, url.hostname)
      : await createNamed(deps, webhook, input.name);
  return isProblem(named) ? named : { webhook: named, secret };
}

async function createNamed(
  deps: AdminDeps,
  webhook: Omit<Webhook, 'name'>,
  name: string,
): Promise<Webhook | Problem> {
  const named: Webhook = { ...webhook, name };
  return (await deps.store.createWebhook(named)) === 'ok' ? named : nameTaken(name);
}

/** Names it after its host: `hooks.example.com`, `hooks.example.com-2`, … whichever is free. */
async function createUnderHostName(
  deps: AdminDeps,
  webhook: Omit<Webhook, 'name'>,
  hostname: string,
): Promise<Webhook | Problem> {
  const base = hostname.replace(/^\[|\]$/g, '').slice(0, 90);
  for (let number = 1; number <= MAX_NAME_TRIES; number += 1) {
    const named: Webhook = { ...webhook, name: number === 1 ? base : `${base}-${number}` };
    if ((await deps.store.createWebhook(named)) === 'ok') return named;
  }
  return nameTaken(base);
}

/** Changes a webhook; what is absent stays. */
export async function updateWebhook(
  deps: AdminDeps,
  webhook: Webhook,
  input: WebhookUpdate,
): Promise<Webhook | Problem> {
  const later = notAvailableYet(input);
  if (later !== null) return later;
  const url = input.url === undefined ? null : checkUrl(deps, input.url);
  if (isProblem(url)) return url;
  const accounts = input.accounts === undefined ? webhook.accounts : await accountIds(deps, input.accounts);
  if (accounts !== null && 'kind' in accounts) return accounts;
  if (input.accounts !== undefined) {
    const crowded = await tooManyWebhooks(deps, accounts, webhook);
    if (crowded !== null) return crowded;
  }
  return saveWebhook(deps, webhook, {
    ...(input.name === undefined ? {} : { name: input.name }),
    ...(url === null ? {} : { url: url.href }),
    ...(input.accounts === undefined ? {} : { accounts }),
    ...(input.events === undefined ? {} : { events: input.events }),
    ...(input.attachments === undefined ? {} : { attachments: input.attachments }),
    ...(input.timeoutSeconds === undefined ? {} : { timeoutSeconds: input.timeoutSeconds }),
    ...(input.headers === undefined ? {} : await sealHeaders(deps, webhook.id, input.headers)),
  });
}

/** Lets deliveries leave again, the parked ones too. */
export function enableWebhook(deps: AdminDeps, webhook: Webhook): Promise<Webhook | Problem> {
  return saveWebhook(deps, webhook, { state: 'enabled', reason: null });
}

/** Parks the webhook's deliveries until it is enabled; nothing is lost. */
export function disableWebhook(deps: AdminDeps, webhook: Webhook): Promise<Webhook | Problem> {
  return saveWebhook(deps, webhook, { state: 'disabled', reason: DISABLED_BY_OWNER });
}

/** Signs with a new secret from now on, and with the old ones along until the grace has passed. */
export async function rotateSecret(
  deps: AdminDeps,
  webhook: Webhook,
  input: { readonly graceHours: number; readonly secret?: string | undefined },
): Promise<WebhookWithSecret | Problem> {
  const secret = input.secret ?? newSecret(deps.random);
  const fresh = await sealSecret(deps, webhook.id, secret);
  const secrets = rotatedSecrets(webhook.secrets, fresh, input.graceHours, deps.clock.now());
  const saved = await saveWebhook(deps, webhook, { secrets });
  return isProblem(saved) ? saved : { webhook: saved, secret };
}

async function saveWebhook(
  deps: AdminDeps,
  webhook: Webhook,
  change: Partial<Omit<Webhook, 'id' | 'gate' | 'createdAt' | 'lastSuccessAt'>>,
): Promise<Webhook | Problem> {
  const saved = await deps.store.updateWebhook(webhook.id, change, deps.clock.now());
  if (saved === 'gone')
    return problem(404, 'webhook-not-found', `There is no webhook ${quoted(webhook.name)}`);
  return saved === 'name-taken' ? nameTaken(change.name ?? webhook.name) : saved;
}

function nameTaken(name: string): Problem {
  return problem(409, 'name-taken', `The name ${quoted(name)} is taken: choose another one`);
}

async function sealHeaders(
  deps: AdminDeps,
  id: Webhook['id'],
  headers: Readonly<Record<string, string>>,
): Promise<Pick<Webhook, 'headers' | 'headerNames'>> {
  const headerNames = Object.keys(headers);
  if (headerNames.length === 0) return { headers: null, headerNames };
  const sealed = await deps.vault.seal('webhook-secret', id, Buffer.from(JSON.stringify(headers), 'utf8'));
  return { headers: sealed, headerNames };
}
