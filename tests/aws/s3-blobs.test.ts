import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { createS3Blobs } from '../../shared/aws/s3-blobs.ts';
import { listBlobs } from '../../shared/aws/s3-listing.ts';
import type { BlobRef } from '../../shared/ports/blobs.ts';
import { blobsContract } from '../contract/blobs.ts';

const client = new S3Client(inject('miniStack').clientOptions);
afterAll(() => client.destroy());

async function openBucket() {
  const bucket = `blobs-${randomUUID()}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return { bucket, blobs: createS3Blobs({ client, bucket }), close: async () => undefined };
}

blobsContract('s3', openBucket);

describe('createS3Blobs()', () => {
  it('the kind is the prefix, which rights and lifecycles go by', async () => {
    const { blobs } = await openBucket();
    for (const kind of ['raw', 'event', 'body', 'ledger'] as const) {
      expect(await blobs.put(kind, Buffer.from('x'))).toMatch(new RegExp(`^${kind}/[0-9a-f]{32}$`));
    }
  });

  it('drop() of a blob makes it gone, and no other; it may be repeated', async () => {
    const { blobs } = await openBucket();
    const ref = await blobs.put('raw', Buffer.from('one'));
    const other = await blobs.put('raw', Buffer.from('other'));
    await blobs.drop(ref);
    await blobs.drop(ref);
    await blobs.drop('../../etc/passwd' as BlobRef);
    await expect(blobs.read(ref)).rejects.toThrow('there is none');
    expect(Buffer.from(await blobs.read(other)).toString()).toBe('other');
  });

  it('a ref that is none of ours names no object, even where there is one', async () => {
    const { bucket } = await openBucket();
    await expect(createS3Blobs({ client, bucket }).read('raw/../secret' as BlobRef)).rejects.toThrow(
      'there is none',
    );
  });
});

describe('listBlobs()', () => {
  it('finds all blobs of a kind, page by page, and none of another', async () => {
    const { bucket, blobs } = await openBucket();
    await blobs.put('raw', Buffer.from('x'));
    const put = await Promise.all(Array.from({ length: 1_100 }, () => blobs.put('ledger', Buffer.from('x'))));
    const found: BlobRef[] = [];
    for await (const { ref, writtenAt } of listBlobs({ client, bucket }, 'ledger')) {
      expect(Math.abs(Date.now() - writtenAt.getTime())).toBeLessThan(60_000);
      found.push(ref);
    }
    expect(found.sort()).toEqual(put.sort());
  });
});
