import type { WebhookId } from '../../shared/identity.ts';
import type { WebhookSecret } from '../../shared/webhook.ts';
import type { AdminDeps } from './deps.ts';

/** As many secrets sign at once at most; each makes the signature header longer. */
const MAX_SECRETS = 3;
const HOUR_MS = 3_600_000;

/** A secret that signs from now on, sealed for its webhook as the UTF-8 of its `whsec_…` text. */
export async function sealSecret(
  deps: Pick<AdminDeps, 'vault'>,
  id: WebhookId,
  secret: string,
): Promise<WebhookSecret> {
  const sealed = await deps.vault.seal('webhook-secret', id, Buffer.from(secret, 'utf8'));
  return { sealed, expiresAt: null };
}

/** The secrets after a rotation: the new one first, the old ones until the grace has passed, 3 at most, no expired ones. */
export function rotatedSecrets(
  old: readonly WebhookSecret[],
  fresh: WebhookSecret,
  graceHours: number,
  now: Date,
): WebhookSecret[] {
  const graceEnd = new Date(now.getTime() + graceHours * HOUR_MS).toISOString();
  const kept = old
    .map((secret) => ({
      sealed: secret.sealed,
      // An earlier rotation's end stands when it comes first.
      expiresAt: secret.expiresAt !== null && secret.expiresAt < graceEnd ? secret.expiresAt : graceEnd,
    }))
    .filter((secret) => secret.expiresAt > now.toISOString());
  return [fresh, ...kept].slice(0, MAX_SECRETS);
}
