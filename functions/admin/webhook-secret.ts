import type { WebhookId } from '../../shared/identity.ts';
import type { WebhookSecret } from '../../shared/webhook.ts';
import type { AdminDeps } from './deps.ts';

const PREFIX = 'whsec_';
const NEW_KEY_BYTES = 32;
/** Standard Webhooks, "Signature scheme": a symmetric key has 24 to 64 bytes. */
const MIN_KEY_BYTES = 24;
const MAX_KEY_BYTES = 64;
/** As many secrets sign at once at most; each makes the signature header longer. */
const MAX_SECRETS = 3;
const HOUR_MS = 3_600_000;

/** The key bytes of a `whsec_…` text; null when it is none or of a wrong length. Takes strict base64 only, so that one key has one text. */
export function secretKey(text: string): Buffer | null {
  if (!text.startsWith(PREFIX)) return null;
  const encoded = text.slice(PREFIX.length);
  const key = Buffer.from(encoded, 'base64');
  if (key.toString('base64') !== encoded) return null;
  return key.length >= MIN_KEY_BYTES && key.length <= MAX_KEY_BYTES ? key : null;
}

/** A new secret of 32 random bytes as `whsec_…` text. */
export function newSecret(random: AdminDeps['random']): string {
  return PREFIX + Buffer.from(random(NEW_KEY_BYTES)).toString('base64');
}

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
