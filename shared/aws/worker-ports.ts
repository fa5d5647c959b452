import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Job } from '../jobs.ts';
import type { Blobs } from '../ports/blobs.ts';
import { systemClock as clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Queue } from '../ports/queue.ts';
import type { Store } from '../ports/store.ts';
import type { Purpose, Vault } from '../ports/vault.ts';
import { CLIENT_OPTIONS, S3_OPTIONS } from './clients.ts';
import { createKmsVault } from './kms-vault.ts';
import { createOpeningKeys } from './opening-keys.ts';
import { createS3Blobs } from './s3-blobs.ts';
import { createSqsQueue } from './sqs-queue.ts';
import { createDynamoStore } from './store/create-dynamo-store.ts';

interface WorkerPortsOptions {
  readonly table: string;
  readonly retentionDays: number;
  readonly bucket: string;
  readonly log: Log;
  /** See `SqsQueueOptions.urls`. */
  readonly urls: Readonly<Partial<Record<Job['kind'], string>>>;
  /** See `OpeningKeysOptions.keyIds`. */
  readonly keyIds: Readonly<Partial<Record<Purpose, string>>>;
}

/** The ports of a function that takes jobs, on clients that live as long as the function's process. */
export function createWorkerPorts({ table, retentionDays, bucket, log, urls, keyIds }: WorkerPortsOptions): {
  readonly store: Store;
  readonly queue: Queue;
  readonly blobs: Blobs;
  readonly vault: Vault;
} {
  return {
    store: createDynamoStore({ table, retentionDays, client: new DynamoDBClient(CLIENT_OPTIONS), clock }),
    queue: createSqsQueue({ client: new SQSClient(CLIENT_OPTIONS), urls, log }),
    blobs: createS3Blobs({ client: new S3Client(S3_OPTIONS), bucket }),
    vault: createKmsVault({
      sealing: null,
      opening: createOpeningKeys({ client: new KMSClient(CLIENT_OPTIONS), keyIds, clock }),
    }),
  };
}
