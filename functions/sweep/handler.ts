import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import type { Context } from 'aws-lambda';
import { CLIENT_OPTIONS, S3_OPTIONS } from '../../shared/aws/clients.ts';
import { readConfig } from '../../shared/aws/config.ts';
import { createDeadline } from '../../shared/aws/deadline.ts';
import { createFunctionLog } from '../../shared/aws/lambda-log.ts';
import { createS3Blobs } from '../../shared/aws/s3-blobs.ts';
import { listBlobs } from '../../shared/aws/s3-listing.ts';
import { createDynamoStore } from '../../shared/aws/store/create-dynamo-store.ts';
import { systemClock as clock } from '../../shared/ports/clock.ts';
import { sweepLedgers } from './sweep-ledgers.ts';

const config = readConfig(process.env, ['bucket']);
const log = createFunctionLog(config);
const s3 = { client: new S3Client(S3_OPTIONS), bucket: config.bucket };
const store = createDynamoStore({ ...config, client: new DynamoDBClient(CLIENT_OPTIONS), clock });
const deps = { store, blobs: createS3Blobs(s3), ledgers: () => listBlobs(s3, 'ledger'), clock };

/** One sweep, whatever the event says. */
export async function handler(_event: unknown, context: Context): Promise<void> {
  using deadline = createDeadline(context);
  const swept = await sweepLedgers(deps, deadline.stopping);
  log.info('sweep.finished', { requestId: context.awsRequestId, ...swept });
}
