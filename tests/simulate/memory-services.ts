import { DecryptCommand, GenerateDataKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ASSUMED } from './assumptions.ts';
import type { Meter, Spender } from './usage.ts';
import type { VirtualTime } from './virtual-time.ts';

/** S3 and KMS, as far as the functions use them, counting on each spender's account. */
export class MemoryServices {
  readonly #time: VirtualTime;
  readonly #meter: Meter;
  readonly #objects = new Map<string, Uint8Array>();
  readonly #dataKeys = new Map<string, Uint8Array>();

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
        this.#objects.set(command.input.Key ?? '', command.input.Body as Uint8Array);
        return {};
      }
      if (command instanceof GetObjectCommand) {
        this.#meter.add(spender, 's3Gets', 1);
        const bytes = this.#objects.get(command.input.Key ?? '');
        return { Body: { transformToByteArray: async () => bytes } };
      }
      if (!(command instanceof DeleteObjectCommand)) throw new TypeError('S3 does not know this command');
      this.#objects.delete(command.input.Key ?? '');
      return {};
    };
    client.send = send as S3Client['send'];
    return client;
  }

  /** Seals nothing: what matters here is how often it is asked. */
  kms(spender: Spender): KMSClient {
    const client = new KMSClient({ region: 'memory' });
    const send = async (command: object): Promise<object> => {
      await this.#time.sleep(ASSUMED.kmsMs);
      this.#meter.add(spender, 'kmsRequests', 1);
      if (command instanceof GenerateDataKeyCommand) {
        const number = this.#dataKeys.size;
        const plaintext = Buffer.alloc(32, number);
        // As long as KMS's own.
        const sealed = Buffer.alloc(184);
        sealed.writeUInt32BE(number);
        this.#dataKeys.set(sealed.toString('hex'), plaintext);
        return { CiphertextBlob: sealed, Plaintext: Uint8Array.from(plaintext) };
      }
      if (!(command instanceof DecryptCommand)) throw new TypeError('KMS does not know this command');
      const plaintext = this.#dataKeys.get(Buffer.from(command.input.CiphertextBlob ?? []).toString('hex'));
      return { Plaintext: plaintext && Uint8Array.from(plaintext) };
    };
    client.send = send as KMSClient['send'];
    return client;
  }
}
