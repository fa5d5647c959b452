import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentityProvider, SourceData } from '@smithy/types';
import type { Outgoing } from '../connection.ts';

/** The service in whose name a Function URL wants its requests signed. */
const SERVICE = 'lambda';

interface Signing {
  readonly credentials: AwsCredentialIdentityProvider;
  readonly region: string;
  readonly now: () => Date;
}

/** The headers of a request, those of AWS's Signature Version 4 for this host among them. */
export async function signedHeaders(
  { credentials, region, now }: Signing,
  host: string,
  { method, target, headers, payload }: Outgoing,
): Promise<Record<string, string>> {
  const signer = new SignatureV4({ credentials, region, service: SERVICE, sha256: Sha256 });
  const [path = '/', search = ''] = target.split('?', 2);
  const signed = await signer.sign(
    {
      method,
      protocol: 'https:',
      hostname: host,
      path,
      query: queryOf(search),
      headers: { ...headers, host },
      ...(payload !== null && { body: payload }),
    },
    { signingDate: now() },
  );
  return signed.headers;
}

function queryOf(search: string): Record<string, string[]> {
  const query: Record<string, string[]> = {};
  const params = new URLSearchParams(search);
  for (const name of params.keys()) query[name] = params.getAll(name);
  return query;
}

/** SHA-256, with a secret its HMAC, in the form that the signer asks for. */
class Sha256 {
  readonly #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>;

  constructor(secret?: SourceData) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(data: SourceData): void {
    this.#hash.update(bytesOf(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }
}

function bytesOf(data: SourceData): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, 'utf8');
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
