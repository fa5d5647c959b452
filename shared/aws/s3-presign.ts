import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { BlobRef, DownloadAs } from '../ports/blobs.ts';

/** Long enough to begin a download: the link that led here makes another URL each time. */
const EXPIRES_IN_SECONDS = 300;

/** Makes URLs under which S3 itself hands out a blob, for 5 minutes and with the rights of this function. */
export function createPresign({
  client,
  bucket,
}: {
  readonly client: S3Client;
  readonly bucket: string;
}): (ref: BlobRef, as: DownloadAs) => Promise<URL> {
  return async (ref, { contentType, disposition }) => {
    const command = new GetObjectCommand({
      ...{ Bucket: bucket, Key: ref, ResponseCacheControl: 'private, no-cache' },
      ...{ ResponseContentType: contentType, ResponseContentDisposition: disposition },
    });
    return new URL(await getSignedUrl(client, command, { expiresIn: EXPIRES_IN_SECONDS }));
  };
}
