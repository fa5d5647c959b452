const PREFIX = 'whsec_';
const NEW_KEY_BYTES = 32;
/** Standard Webhooks, "Signature scheme": a symmetric key has 24 to 64 bytes. */
const MIN_KEY_BYTES = 24;
const MAX_KEY_BYTES = 64;

/** A new secret, `whsec_` and the base64 of 32 bytes from `random`, which must be fit for keys. */
export function newSecret(random: (sizeBytes: number) => Uint8Array): string {
  return PREFIX + Buffer.from(random(NEW_KEY_BYTES)).toString('base64');
}

/** The key that a `whsec_…` text stands for; null when it stands for none. One key has one text: the base64 is taken strictly. */
export function secretKey(text: string): Buffer | null {
  if (!text.startsWith(PREFIX)) return null;
  const encoded = text.slice(PREFIX.length);
  const key = Buffer.from(encoded, 'base64');
  if (key.toString('base64') !== encoded) return null;
  return key.length >= MIN_KEY_BYTES && key.length <= MAX_KEY_BYTES ? key : null;
}
