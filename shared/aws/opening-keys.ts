import { createPrivateKey, type KeyObject } from 'node:crypto';
import {
  DecryptCommand,
  IncorrectKeyException,
  InvalidCiphertextException,
  type KMSClient,
} from '@aws-sdk/client-kms';
import type { Clock } from '../ports/clock.ts';
import type { Purpose } from '../ports/vault.ts';

/** An opened key is kept that long: a right that was taken away works on no longer. */
const OPENED_MS = 15 * 60_000;
/** More opened keys than this are asked for anew, the ones opened longest ago first; there is one for each year. */
const MAX_OPENED = 1_000;

interface OpeningKeysOptions {
  readonly client: KMSClient;
  /** The KMS key (id or ARN) of each purpose that this function may open secrets of. */
  readonly keyIds: Readonly<Partial<Record<Purpose, string>>>;
  readonly clock: Clock;
}

/**
 * The private key that KMS sealed; null when KMS says that this is none, or none of this purpose. Throws when KMS does not
 * answer, and for a purpose that the function has no key for.
 */
export type OpeningKeys = (purpose: Purpose, wrapped: string) => Promise<KeyObject | null>;

interface Kept {
  readonly key: Promise<KeyObject | null>;
  readonly untilMs: number;
}

/** Has private keys opened by KMS, with the purpose as encryption context, and keeps them in memory for some minutes. */
export function createOpeningKeys({ client, keyIds, clock }: OpeningKeysOptions): OpeningKeys {
  const opened = new Map<string, Kept>();

  async function decrypt(purpose: Purpose, wrapped: string): Promise<KeyObject | null> {
    const keyId = keyIds[purpose];
    if (keyId === undefined) throw new Error(`This function has no key for the purpose "${purpose}"`);
    try {
      const answer = await client.send(
        new DecryptCommand({
          KeyId: keyId,
          CiphertextBlob: Buffer.from(wrapped, 'base64url'),
          EncryptionContext: { purpose },
        }),
      );
      return keyOf(answer.Plaintext);
    } catch (error) {
      if (error instanceof InvalidCiphertextException || error instanceof IncorrectKeyException) return null;
      throw error;
    }
  }

  return (purpose, wrapped) => {
    const name = `${purpose}:${wrapped}`;
    const nowMs = clock.now().getTime();
    const known = opened.get(name);
    if (known !== undefined && known.untilMs > nowMs) return known.key;
    const made: Kept = { key: decrypt(purpose, wrapped), untilMs: nowMs + OPENED_MS };
    // Taken out first, so that the order of the map is that of the opening.
    opened.delete(name);
    opened.set(name, made);
    // Those who ask at the same time share it, and a failure is not kept.
    made.key.catch(() => {
      if (opened.get(name) === made) opened.delete(name);
    });
    if (opened.size > MAX_OPENED) opened.delete(opened.keys().next().value ?? name);
    return made.key;
  };
}

/** The bytes are gone from the answer once the key is made. */
function keyOf(plaintext: Uint8Array | undefined): KeyObject {
  if (plaintext === undefined) throw new Error('KMS opened a key and did not give it');
  const key = createPrivateKey({ key: Buffer.from(plaintext), format: 'der', type: 'pkcs8' });
  plaintext.fill(0);
  return key;
}
