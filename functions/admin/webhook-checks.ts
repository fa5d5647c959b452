import { EgressError } from '../../shared/egress/egress.ts';
import type { AccountId } from '../../shared/identity.ts';
import type { Webhook } from '../../shared/webhook.ts';
import type { AdminDeps } from './deps.ts';
import { everyItem, findAccount } from './lookup.ts';
import { isProblem, type Problem, problem } from './problem.ts';
import type { WebhookCreate, WebhookUpdate } from './webhook-schema.ts';

/** One commit writes an event and its deliveries in one transaction, which has room for so many. */
const MAX_WEBHOOKS_PER_ACCOUNT = 50;

/** The URL as it is stored and requested, or a 422 when the egress policy forbids it. */
export function checkUrl(deps: AdminDeps, url: string): URL | Problem {
  try {
    return deps.egress.checkUrl(url);
  } catch (error) {
    if (error instanceof EgressError) return problem(422, 'egress', error.message);
    throw error;
  }
}

/** The ids of the accounts that a webhook is to select, each once; null for all; a 404 for one that is not there. */
export async function accountIds(
  deps: AdminDeps,
  references: readonly string[] | null,
): Promise<readonly AccountId[] | null | Problem> {
  if (references === null) return null;
  const ids = new Set<AccountId>();
  for (const reference of references) {
    const account = await findAccount(deps, reference);
    if (isProblem(account)) return account;
    ids.add(account.id);
  }
  return [...ids];
}

/** A 409 when an account would be selected by more webhooks than one commit can serve. */
export async function tooManyWebhooks(
  deps: AdminDeps,
  accounts: readonly AccountId[] | null,
  changed: Webhook | null,
): Promise<Problem | null> {
  let selectingAll = accounts === null ? 1 : 0;
  const selecting = new Map<AccountId, number>((accounts ?? []).map((id) => [id, 1]));
  for await (const webhook of everyItem((page) => deps.store.webhooks(page))) {
    if (webhook.id === changed?.id) continue;
    if (webhook.accounts === null) selectingAll += 1;
    for (const id of webhook.accounts ?? []) {
      if (accounts === null || selecting.has(id)) selecting.set(id, (selecting.get(id) ?? 0) + 1);
    }
  }
  const most = selectingAll + Math.max(0, ...selecting.values());
  if (most <= MAX_WEBHOOKS_PER_ACCOUNT) return null;
  const detail = `At most ${MAX_WEBHOOKS_PER_ACCOUNT} webhooks can select an account: remove one, or select other accounts`;
  return problem(409, 'too-many-webhooks', detail);
}

const LATER = {
  filter: 'Filters are not available yet: select by account and type of event',
  transform: 'Transforms are not available yet: the event is sent as it is',
  maxPerMinute: 'A rate per minute is not available yet: answer 429 with Retry-After to slow mailhook down',
} as const;

/** The 501 for what will come later, so that nobody takes it for being in force; null when none of it is asked for. */
export function notAvailableYet(input: WebhookCreate | WebhookUpdate): Problem | null {
  for (const [key, detail] of Object.entries(LATER)) {
    if (input[key as keyof typeof LATER] != null) return problem(501, 'not-available-yet', detail);
  }
  return null;
}
