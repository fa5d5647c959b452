import { generateKeyPairSync } from 'node:crypto';
import { DecryptCommand, GenerateDataKeyPairWithoutPlaintextCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { ASSUMED } from './assumptions.ts';
import type { Meter, Spender } from './usage.ts';
import type { VirtualTime } from './virtual-time.ts';

/** S3 and KMS, as far as the functions use them, counting on each spender's account. */
export class MemoryServices {
  readonly #time: VirtualTime;
  readonly #meter: Meter;
  readonly #objects = new Map<string, Uint8Array>();
  readonly #privateKeys = new Map<string, Uint8Array>();

  constructor(time: VirtualTime, meter: Meter) {
    this.#time = time;
    this.#meter = meter;
  }

  /** How many objects there are under a prefix, `raw` for example. */
  countObjects(prefix: string): number {
    return [...this.#objects.keys()].filter((key) => key.startsWith(`${prefix}/`)).length;
  }

  s3(spender: Spender): S3Client {
    const client = new S3Client({ region: 'memory' });
    const send = async (command: object): Promise<object> => {
      await this.#time.sleep(ASSUMED.s3Ms);
      if (command instanceof PutObjectCommand) {
        this.#meter.add(spender, 's3Puts', 1);
        const { Key: key = '', Body: body, IfNoneMatch: condition } = command.input;
        if (condition === '*' && this.#objects.has(key)) throw preconditionFailed();
        this.#objects.set(key, Buffer.from(body as Uint8Array | string));
        return {};
      }
      if (command instanceof GetObjectCommand) {
        this.#meter.add(spender, 's3Gets', 1);
        const bytes = this.#objects.get(command.input.Key ?? '');
        return {
          Body: {
            transformToByteArray: async () => bytes,
            transformToString: async () => Buffer.from(bytes ?? []).toString(),
          },
        };
      }
      if (!(command instanceof DeleteObjectCommand)) throw new TypeError('S3 does not know this command');
      this.#objects.delete(command.input.Key ?? '');
      return {};
    };
    client.send = send as S3Client['send'];
    return client;
  }

  /** Seals no key: what matters here is how often it is asked. */
  kms(spender: Spender): KMSClient {
    const client = new KMSClient({ region: 'memory' });
    const send = async (command: object): Promise<object> => {
      await this.#time.sleep(ASSUMED.kmsMs);
      this.#meter.add(spender, 'kmsRequests', 1);
      if (command instanceof GenerateDataKeyPairWithoutPlaintextCommand) {
        const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
        const plaintext = privateKey.export({ format: 'der', type: 'pkcs8' });
        // As long as KMS's own.
        const sealed = Buffer.alloc(plaintext.length + 152);
        sealed.writeUInt32BE(this.#privateKeys.size);
        this.#privateKeys.set(sealed.toString('hex'), plaintext);
        const shown = publicKey.export({ format: 'der', type: 'spki' });
        return { PrivateKeyCiphertextBlob: sealed, PublicKey: shown };
      }
      if (!(command instanceof DecryptCommand)) throw new TypeError('KMS does not know this command');
      const plaintext = this.#privateKeys.get(
        Buffer.from(command.input.CiphertextBlob ?? []).toString('hex'),
      );
      return { Plaintext: plaintext && Uint8Array.from(plaintext) };
    };
    client.send = send as KMSClient['send'];
    return client;
  }
}

function preconditionFailed(): S3ServiceException {
  const metadata = { httpStatusCode: 412 };
  return new S3ServiceException({ name: 'PreconditionFailed', $fault: 'client', $metadata: metadata });
}
