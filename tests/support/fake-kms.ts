import { createCipheriv, createDecipheriv, generateKeyPairSync, randomBytes } from 'node:crypto';
import type { StubAnswer, StubRequest } from './aws-stub.ts';

/** The ids of a fake KMS's keys. */
export const KMS_KEYS = { 'mailbox-credential': 'key-mail', 'webhook-secret': 'key-hook' } as const;

/** KMS with two keys, as far as it matters here: it binds the key and the encryption context, and notices every changed bit. */
export function createFakeKms() {
  const masters = new Map(Object.values(KMS_KEYS).map((id) => [id as string, randomBytes(32)]));
  let isDown = false;
  const answer = ({ target, body }: StubRequest): StubAnswer => {
    if (isDown) return { status: 500, code: 'KMSInternalException' };
    const master = masters.get(String(body.KeyId)) ?? Buffer.alloc(32);
    const context = Buffer.from(JSON.stringify(body.EncryptionContext));
    if (target === 'TrentService.GenerateDataKeyPairWithoutPlaintext') {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
      const plaintext = privateKey.export({ format: 'der', type: 'pkcs8' });
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', master, iv).setAAD(context);
      const blob = Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
      const shown = publicKey.export({ format: 'der', type: 'spki' });
      const keys = { PrivateKeyCiphertextBlob: blob.toString('base64'), PublicKey: shown.toString('base64') };
      return { body: { KeyId: body.KeyId, KeyPairSpec: body.KeyPairSpec, ...keys } };
    }
    const blob = Buffer.from(String(body.CiphertextBlob), 'base64');
    try {
      const decipher = createDecipheriv('aes-256-gcm', master, blob.subarray(0, 12)).setAAD(context);
      decipher.setAuthTag(blob.subarray(-16));
      const plaintext = Buffer.concat([decipher.update(blob.subarray(12, -16)), decipher.final()]);
      return { body: { KeyId: body.KeyId, Plaintext: plaintext.toString('base64') } };
    } catch {
      return { status: 400, code: 'InvalidCiphertextException' };
    }
  };
  return {
    answer,
    goDown: () => {
      isDown = true;
    },
    comeBack: () => {
      isDown = false;
    },
  };
}
