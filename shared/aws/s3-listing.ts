import { paginateListObjectsV2 } from '@aws-sdk/client-s3';
import type { BlobKind, BlobRef } from '../ports/blobs.ts';
import type { S3BlobsOptions } from './s3-blobs.ts';

/** All blobs of a kind, in no order that means anything, with the time of their writing. */
export async function* listBlobs(
  { client, bucket }: S3BlobsOptions,
  kind: BlobKind,
): AsyncGenerator<{ readonly ref: BlobRef; readonly writtenAt: Date }> {
  for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: `${kind}/` })) {
    for (const { Key: key, LastModified: writtenAt } of page.Contents ?? []) {
      if (key !== undefined && writtenAt !== undefined) yield { ref: key as BlobRef, writtenAt };
    }
  }
}
