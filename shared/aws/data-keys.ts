import { createSecretKey, type KeyObject } from 'node:crypto';
import {
  DecryptCommand,
  GenerateDataKeyCommand,
  IncorrectKeyException,
  InvalidCiphertextException,
  type KMSClient,
} from '@aws-sdk/client-kms';
import type { Clock } from '../ports/clock.ts';
import type { Purpose } from '../ports/vault.ts';

/** A data key seals for so long: what one that leaked could open stays little. */
const SEALING_MS = 5 * 60_000;
/** An opened data key is kept that long: a right that was taken away works on no longer. */
const OPENED_MS = 15 * 60_000;
/** More opened keys than this are asked for anew, the ones opened longest ago first. */
const MAX_OPENED = 10_000;

export interface DataKeyOptions {
  readonly client: KMSClient;
  /** The KMS key (id or ARN) of each purpose that this function has to do with. */
  readonly keyIds: Readonly<Partial<Record<Purpose, string>>>;
  readonly clock: Clock;
}

/** A data key for sealing, and the same as KMS sealed it, in base64url. */
interface SealingKey {
  readonly key: KeyObject;
  readonly wrapped: string;
}

interface Kept<Value> {
  readonly value: Promise<Value>;
  readonly untilMs: number;
}

/** Data keys, kept in memory for some minutes. */
export interface DataKeys {
  /** The key that seals secrets of this purpose now. Throws when KMS does not make one. */
  sealing(purpose: Purpose): Promise<SealingKey>;
  /** The data key that KMS sealed; null when KMS says that this is none, or none of this purpose. */
  opening(purpose: Purpose, wrapped: string): Promise<KeyObject | null>;
}

/** Makes and opens data keys with the KMS key of each purpose; the purpose is the encryption context. */
export function createDataKeys({ client, keyIds, clock }: DataKeyOptions): DataKeys {
  const sealing = new Map<Purpose, Kept<SealingKey>>();
  const opened = new Map<string, Kept<KeyObject | null>>();

  function keyIdOf(purpose: Purpose): string {
    const keyId = keyIds[purpose];
    if (keyId === undefined) throw new Error(`This function has no key for the purpose "${purpose}"`);
    return keyId;
  }

  async function generate(purpose: Purpose): Promise<SealingKey> {
    const made = await client.send(
      new GenerateDataKeyCommand({
        KeyId: keyIdOf(purpose),
        KeySpec: 'AES_256',
        EncryptionContext: { purpose },
      }),
    );
    if (made.CiphertextBlob === undefined) throw new Error('KMS made a data key without its sealed form');
    return { key: keyOf(made.Plaintext), wrapped: Buffer.from(made.CiphertextBlob).toString('base64url') };
  }

  async function decrypt(purpose: Purpose, wrapped: string): Promise<KeyObject | null> {
    try {
      const answer = await client.send(
        new DecryptCommand({
          KeyId: keyIdOf(purpose),
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

  return {
    sealing(purpose) {
      return keep(sealing, purpose, clock.now().getTime(), SEALING_MS, () => generate(purpose));
    },
    opening(purpose, wrapped) {
      const name = `${purpose}:${wrapped}`;
      return keep(opened, name, clock.now().getTime(), OPENED_MS, () => decrypt(purpose, wrapped));
    },
  };
}

/** The kept value, or a new one; those who ask at the same time share it, and a failure is not kept. */
function keep<Key, Value>(
  cache: Map<Key, Kept<Value>>,
  name: Key,
  nowMs: number,
  ttlMs: number,
  make: () => Promise<Value>,
): Promise<Value> {
  const known = cache.get(name);
  if (known !== undefined && known.untilMs > nowMs) return known.value;
  const made: Kept<Value> = { value: make(), untilMs: nowMs + ttlMs };
  // Taken out first, so that the order of the map is that of the making.
  cache.delete(name);
  cache.set(name, made);
  made.value.catch(() => {
    if (cache.get(name) === made) cache.delete(name);
  });
  if (cache.size > MAX_OPENED) cache.delete(cache.keys().next().value ?? name);
  return made.value;
}

/** AES-256 keys only; the bytes are gone from the answer once the key is made. */
function keyOf(plaintext: Uint8Array | undefined): KeyObject {
  if (plaintext?.byteLength !== 32) throw new Error('KMS gave a data key that is not of 32 bytes');
  const key = createSecretKey(plaintext);
  plaintext.fill(0);
  return key;
}
