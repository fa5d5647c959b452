import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { BlobKind, BlobRef, Blobs, ByteRange } from '../ports/blobs.ts';

/** The kind is the prefix that the bucket's lifecycle rules and the functions' rights go by; the rest is 128 random bits. */
const KEY = /^(?:raw|event|body|ledger)\/[0-9a-f]{32}$/;
const NAME_BYTES = 16;

/** What blobs on S3 are made of. */
export interface S3BlobsOptions {
  readonly client: S3Client;
  readonly bucket: string;
}

/** Blobs of which nothing else removes those that nobody refers to any more. */
interface S3Blobs extends Blobs {
  /** Gone when it resolves; one that is not there is gone too. */
  drop(ref: BlobRef): Promise<void>;
}

/** Blobs as objects of one bucket; a ref is an object's key. */
export function createS3Blobs({ client, bucket }: S3BlobsOptions): S3Blobs {
  async function get(ref: BlobRef, range?: ByteRange): Promise<GetObjectCommandOutput> {
    if (!KEY.test(ref)) throw missing(ref);
    try {
      const key = { Bucket: bucket, Key: ref };
      return await client.send(
        new GetObjectCommand(range === undefined ? key : { ...key, Range: http(range) }),
      );
    } catch (error) {
      throw error instanceof S3ServiceException && error.name === 'NoSuchKey' ? missing(ref) : error;
    }
  }

  return {
    async put(kind, bytes) {
      const key = newKey(kind);
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }));
      return key;
    },
    async read(ref) {
      const { Body: body } = await get(ref);
      if (body === undefined) throw missing(ref);
      return await body.transformToByteArray();
    },
    async open(ref, range) {
      const wanted = range && { first: Math.max(0, range.first), last: range.last };
      try {
        if (wanted !== undefined && wanted.last < wanted.first) {
          // HTTP has no range without bytes; the blob must be there all the same.
          (await opened(get(ref))).destroy();
          return Readable.from([]);
        }
        return await opened(get(ref, wanted));
      } catch (error) {
        // RFC 9110 section 15.5.17: the range begins behind the last byte.
        if (error instanceof S3ServiceException && error.name === 'InvalidRange') return Readable.from([]);
        throw error;
      }
    },
    async drop(ref) {
      if (KEY.test(ref)) await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: ref }));
    },
  };
}

function newKey(kind: BlobKind): BlobRef {
  return `${kind}/${randomBytes(NAME_BYTES).toString('hex')}` as BlobRef;
}

function http({ first, last }: ByteRange): string {
  return `bytes=${first}-${last}`;
}

async function opened(getting: Promise<GetObjectCommandOutput>): Promise<Readable> {
  const { Body: body } = await getting;
  if (body instanceof Readable) return body;
  throw new TypeError('Cannot read a blob: the answer is not a stream of Node');
}

function missing(ref: BlobRef): Error {
  return new Error(`Cannot read the blob "${ref.slice(0, 60)}": there is none`);
}
