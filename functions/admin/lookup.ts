import type { Account } from '../../shared/account.ts';
import { parseAccountId, parseWebhookId } from '../../shared/identity.ts';
import type { Page, PageRequest } from '../../shared/ports/lists.ts';
import type { Webhook } from '../../shared/webhook.ts';
import type { AdminDeps } from './deps.ts';
import { type Problem, problem } from './problem.ts';

const PAGE = 500;

/** The account with this id or name, or a 404 that says how to see those there are. */
export async function findAccount(deps: AdminDeps, reference: string): Promise<Account | Problem> {
  const id = parseAccountId(reference);
  const account = id === null ? await deps.store.accountByName(reference) : await deps.store.account(id);
  return account ?? problem(404, 'account-not-found', `There is no account ${quoted(reference)}`);
}

/** The webhook with this id or name, or a 404. */
export async function findWebhook(deps: AdminDeps, reference: string): Promise<Webhook | Problem> {
  const id = parseWebhookId(reference);
  const webhook = id === null ? await deps.store.webhookByName(reference) : await deps.store.webhook(id);
  return webhook ?? problem(404, 'webhook-not-found', `There is no webhook ${quoted(reference)}`);
}

/** What a client sent, fit to stand in a message of one line. */
export function quoted(text: string): string {
  return `"${text.replace(/\p{C}/gu, '?').slice(0, 100)}"`;
}

/** Every item of a paged list, page by page. */
export async function* everyItem<Item>(
  list: (page: PageRequest) => Promise<Page<Item>>,
): AsyncGenerator<Item> {
  let after: string | null = null;
  do {
    const page: Page<Item> = await list({ after, limit: PAGE });
    yield* page.data;
    after = page.next;
  } while (after !== null);
}
