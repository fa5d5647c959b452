import type { WebhookId } from '../../shared/identity.ts';
import type { DispatchDeps } from './deps.ts';

/** The newest secret of a webhook, `whsec_…`; null when there is no such webhook. Throws when it cannot be opened. */
export async function revealSecret(
  deps: Pick<DispatchDeps, 'store' | 'vault'>,
  id: WebhookId,
): Promise<string | null> {
  const webhook = await deps.store.webhook(id);
  const newest = webhook?.secrets[0];
  if (newest === undefined) return null;
  return Buffer.from(await deps.vault.open('webhook-secret', id, newest.sealed)).toString('utf8');
}
