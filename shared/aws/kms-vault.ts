import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Purpose, Sealed, Vault } from '../ports/vault.ts';
import { createDataKeys, type DataKeyOptions } from './data-keys.ts';

const ALGORITHM = 'aes-256-gcm';
/** `v1:` the data key as KMS sealed it `:` IV, ciphertext and tag; both in base64url. */
const FORM = /^v1:([A-Za-z0-9_-]{1,4096}):([A-Za-z0-9_-]+)$/;
/** NIST SP 800-38D section 8.2: 96 bits, random. */
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * A vault whose secrets lie, sealed with AES-256-GCM, on the items they belong to. The data keys that seal them are made by
 * the KMS key of their purpose, lie beside each secret as KMS sealed them, and are kept in memory for some minutes: a
 * function that is warm asks KMS nothing. Who may use which KMS key decides who may open what.
 */
export function createKmsVault(options: DataKeyOptions): Vault {
  const dataKeys = createDataKeys(options);
  return {
    async seal(purpose, owner, value) {
      const { key, wrapped } = await dataKeys.sealing(purpose);
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES });
      cipher.setAAD(boundData(purpose, owner, wrapped));
      const sealed = Buffer.concat([iv, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
      return `v1:${wrapped}:${sealed.toString('base64url')}` as Sealed;
    },
    async open(purpose, owner, sealed) {
      const [, wrapped = '', text = ''] = FORM.exec(sealed) ?? [];
      const bytes = bytesOf(text);
      if (bytes === null || bytes.length < IV_BYTES + TAG_BYTES) throw cannotOpen(purpose, owner);
      const key = bytesOf(wrapped) === null ? null : await dataKeys.opening(purpose, wrapped);
      if (key === null) throw cannotOpen(purpose, owner);
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(boundData(purpose, owner, wrapped));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      const value = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES));
      try {
        return Buffer.concat([value, decipher.final()]);
      } catch (cause) {
        throw cannotOpen(purpose, owner, cause);
      }
    },
  };
}

/** The bytes of a base64url text; null for another text than the one that they are written as, which Node reads all the same. */
function bytesOf(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : null;
}

/** No part can contain the zero byte that ends it. */
function boundData(purpose: Purpose, owner: string, wrapped: string): Buffer {
  if (owner.includes('\0')) throw new RangeError('Cannot seal for an owner whose id contains a zero byte');
  return Buffer.from(`${purpose}\0${owner}\0${wrapped}\0`, 'utf8');
}

function cannotOpen(purpose: Purpose, owner: string, cause?: unknown): Error {
  const what = `Cannot open the ${purpose} of "${owner}"`;
  return new Error(`${what}: it was altered, or sealed for another owner or with another key`, { cause });
}
