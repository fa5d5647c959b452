import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Purpose, Sealed, Vault } from '../ports/vault.ts';
import type { VaultKeys } from './key-file.ts';

const ALGORITHM = 'aes-256-gcm';
const FORM = 'v1:';
/** NIST SP 800-38D section 8.2: 96 bits, random. */
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * A vault on keys of this machine. A sealed value is `v1:` and the base64url of IV, ciphertext and tag; purpose and owner are
 * authenticated with it, and each purpose has a key of its own.
 */
export function createKeyVault(keys: VaultKeys): Vault {
  return {
    async seal(purpose, owner, value) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(ALGORITHM, keys[purpose], iv, { authTagLength: TAG_BYTES });
      cipher.setAAD(boundData(purpose, owner));
      const sealed = Buffer.concat([iv, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
      return textOf(sealed);
    },
    async open(purpose, owner, sealed) {
      const bytes = Buffer.from(sealed.slice(FORM.length), 'base64url');
      // Compared with what it says, because the decoder overlooks strange characters and spare bits.
      const isOurs = sealed === textOf(bytes) && bytes.length >= IV_BYTES + TAG_BYTES;
      if (!isOurs) throw cannotOpen(purpose, owner);
      const decipher = createDecipheriv(ALGORITHM, keys[purpose], bytes.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(boundData(purpose, owner));
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

function textOf(bytes: Buffer): Sealed {
  return `${FORM}${bytes.toString('base64url')}` as Sealed;
}

/** Neither part can contain the zero byte that ends it. */
function boundData(purpose: Purpose, owner: string): Buffer {
  if (owner.includes('\0')) throw new RangeError('Cannot seal for an owner whose id contains a zero byte');
  return Buffer.from(`${purpose}\0${owner}\0`, 'utf8');
}

function cannotOpen(purpose: Purpose, owner: string, cause?: unknown): Error {
  const what = `Cannot open the ${purpose} of "${owner}"`;
  return new Error(`${what}: it was altered, or sealed for another owner or with another key`, { cause });
}
