import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hash,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import type { Purpose, Sealed, Vault } from '../ports/vault.ts';
import type { OpeningKeys } from './opening-keys.ts';
import type { SealingKeys } from './sealing-keys.ts';

const ALGORITHM = 'aes-256-gcm';
/** `v1:` the private key as KMS sealed it `:` ephemeral public key, ciphertext and tag; both in base64url. */
const FORM = /^v1:([A-Za-z0-9_-]{1,4096}):([A-Za-z0-9_-]+)$/;
/** A public key of P-256 as SubjectPublicKeyInfo, DER, its point uncompressed (RFC 5480). */
const PUBLIC_KEY_BYTES = 91;
const KEY_BYTES = 32;
/** NIST SP 800-38D section 8.2: 96 bits. It is derived with the key, which seals one secret only. */
const IV_BYTES = 12;
const TAG_BYTES = 16;

interface KmsVaultOptions {
  /** Null in a function that seals nothing. */
  readonly sealing: SealingKeys | null;
  /** Null in a function that opens nothing. */
  readonly opening: OpeningKeys | null;
}

/**
 * A vault whose secrets lie, sealed, on the items they belong to. Each is sealed to the public key of its purpose by a key
 * agreement with an ephemeral one (ECDH on P-256, HKDF with SHA-256, AES-256-GCM), and has the private key beside it as KMS
 * sealed it. So who seals needs no right to open, and who may use which KMS key decides who may open what; a function that
 * is warm asks KMS nothing.
 */
export function createKmsVault({ sealing, opening }: KmsVaultOptions): Vault {
  return {
    async seal(purpose, owner, value) {
      if (sealing === null) throw new Error('This function may seal no secrets');
      const { publicKey, wrapped } = await sealing(purpose);
      const ephemeral = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
      const shown = ephemeral.publicKey.export({ format: 'der', type: 'spki' });
      const bound = boundData({ purpose, owner, wrapped }, shown);
      const { key, iv } = derive(ephemeral.privateKey, publicKey, bound);
      const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES });
      cipher.setAAD(bound);
      const sealed = Buffer.concat([shown, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
      return `v1:${wrapped}:${sealed.toString('base64url')}` as Sealed;
    },
    async open(purpose, owner, sealed) {
      if (opening === null) throw new Error('This function may open no secrets');
      const [, wrapped = '', text = ''] = FORM.exec(sealed) ?? [];
      const bytes = bytesOf(text);
      if (bytes === null || bytes.length < PUBLIC_KEY_BYTES + TAG_BYTES || bytesOf(wrapped) === null) {
        throw cannotOpen(purpose, owner);
      }
      const privateKey = await opening(purpose, wrapped);
      if (privateKey === null) throw cannotOpen(purpose, owner);
      try {
        return unseal(privateKey, bytes, { purpose, owner, wrapped });
      } catch (cause) {
        throw cannotOpen(purpose, owner, cause);
      }
    },
  };
}

/** What a secret is sealed for. */
interface Binding {
  readonly purpose: Purpose;
  readonly owner: string;
  readonly wrapped: string;
}

/** Throws for whatever was changed. */
function unseal(privateKey: KeyObject, bytes: Buffer, binding: Binding): Buffer {
  const shown = bytes.subarray(0, PUBLIC_KEY_BYTES);
  const publicKey = createPublicKey({ key: shown, format: 'der', type: 'spki' });
  const bound = boundData(binding, shown);
  const { key, iv } = derive(privateKey, publicKey, bound);
  const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES });
  decipher.setAAD(bound);
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(PUBLIC_KEY_BYTES, -TAG_BYTES)), decipher.final()]);
}

function derive(privateKey: KeyObject, publicKey: KeyObject, bound: Buffer): { key: Buffer; iv: Buffer } {
  const agreed = diffieHellman({ privateKey, publicKey });
  const derived = Buffer.from(hkdfSync('sha256', agreed, '', bound, KEY_BYTES + IV_BYTES));
  agreed.fill(0);
  return { key: derived.subarray(0, KEY_BYTES), iv: derived.subarray(KEY_BYTES) };
}

/** The bytes of a base64url text; null for another text than the one that they are written as, which Node reads all the same. */
function bytesOf(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : null;
}

/** No text can contain the zero byte that ends it. HKDF takes at most 1,024 bytes: of what is long, its digest. */
function boundData({ purpose, owner, wrapped }: Binding, shown: Buffer): Buffer {
  if (owner.includes('\0')) throw new RangeError('Cannot seal for an owner whose id contains a zero byte');
  return hash(
    'sha256',
    Buffer.concat([Buffer.from(`${purpose}\0${owner}\0${wrapped}\0`, 'utf8'), shown]),
    'buffer',
  );
}

function cannotOpen(purpose: Purpose, owner: string, cause?: unknown): Error {
  const what = `Cannot open the ${purpose} of "${owner}"`;
  return new Error(`${what}: it was altered, or sealed for another owner or with another key`, { cause });
}
