import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { GenerateDataKeyPairWithoutPlaintextCommand, type KMSClient } from '@aws-sdk/client-kms';
import { GetObjectCommand, PutObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { Clock } from '../ports/clock.ts';
import type { Purpose } from '../ports/vault.ts';

/** Where the key pairs lie in the bucket; only the function that seals may read or write there. */
export const SEALING_KEYS_PREFIX = 'keys';
/** A pair as we write it has some 600 characters. */
const MAX_OBJECT_CHARS = 16_384;
/** Two that make the first pair of a year at the same moment: S3 lets one win, and may first ask both to come again. */
const TRIES = 3;

interface SealingKeysOptions {
  readonly kms: KMSClient;
  readonly s3: S3Client;
  readonly bucket: string;
  /** The KMS key (id or ARN) of each purpose. */
  readonly keyIds: Readonly<Record<Purpose, string>>;
  readonly clock: Clock;
}

/** A public key for sealing, and its private key as KMS sealed it, in base64url. */
interface SealingKey {
  readonly publicKey: KeyObject;
  readonly wrapped: string;
}

/** The public key that seals secrets of a purpose now. Throws when KMS or S3 do not answer. */
export type SealingKeys = (purpose: Purpose) => Promise<SealingKey>;

/**
 * Key pairs of the curve P-256, one for each purpose and year, made by the KMS key of the purpose: their private keys are
 * known to nobody who may not decrypt with that key, not even to the function that had them made. They lie in the bucket so
 * that every process seals with the same, and so those who open have one key to ask KMS about, however many secrets.
 */
export function createSealingKeys({ kms, s3, bucket, keyIds, clock }: SealingKeysOptions): SealingKeys {
  const known = new Map<string, Promise<SealingKey>>();

  async function make(purpose: Purpose): Promise<string> {
    const made = await kms.send(
      new GenerateDataKeyPairWithoutPlaintextCommand({
        KeyId: keyIds[purpose],
        KeyPairSpec: 'ECC_NIST_P256',
        EncryptionContext: { purpose },
      }),
    );
    const { PublicKey: publicKey, PrivateKeyCiphertextBlob: wrapped } = made;
    if (publicKey === undefined || wrapped === undefined) throw new Error('KMS made a key pair without keys');
    return JSON.stringify({ publicKey: base64url(publicKey), wrapped: base64url(wrapped) });
  }

  /** Writes first: without the right to list the bucket a missing object cannot be told from a forbidden one. */
  async function makeOrRead(name: string, purpose: Purpose): Promise<SealingKey> {
    const at = { Bucket: bucket, Key: name };
    const made = await make(purpose);
    for (let attempt = 1; ; attempt++) {
      try {
        await s3.send(new PutObjectCommand({ ...at, Body: made, IfNoneMatch: '*' }));
        return parsed(made, name);
      } catch (error) {
        const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
        if (status === 412) {
          const { Body: body } = await s3.send(new GetObjectCommand(at));
          return parsed((await body?.transformToString()) ?? '', name);
        }
        if (status !== 409 || attempt === TRIES) throw error;
      }
    }
  }

  return (purpose) => {
    const keyId = createHash('sha256').update(keyIds[purpose]).digest('hex').slice(0, 16);
    const name = `${SEALING_KEYS_PREFIX}/${purpose}/${keyId}-${clock.now().getUTCFullYear()}.json`;
    const kept = known.get(name);
    if (kept !== undefined) return kept;
    const reading = makeOrRead(name, purpose);
    known.set(name, reading);
    // A failure is not kept.
    reading.catch(() => known.delete(name));
    return reading;
  };
}

function parsed(text: string, name: string): SealingKey {
  const wrong = (cause?: unknown) =>
    new Error(`Cannot seal: the object ${name} of the bucket is no key pair of mailhook`, { cause });
  if (text.length > MAX_OBJECT_CHARS) throw wrong();
  try {
    const { publicKey, wrapped } = JSON.parse(text) as Record<string, unknown>;
    if (typeof publicKey !== 'string' || typeof wrapped !== 'string') throw new TypeError('A key is missing');
    const key = Buffer.from(publicKey, 'base64url');
    return { publicKey: createPublicKey({ key, format: 'der', type: 'spki' }), wrapped };
  } catch (cause) {
    throw wrong(cause);
  }
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
