import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { streamHandle } from 'hono/aws-lambda';
import packageJson from '../../package.json' with { type: 'json' };
import { CLIENT_OPTIONS, INVOKE_ONCE_OPTIONS, INVOKE_OPTIONS, S3_OPTIONS } from '../../shared/aws/clients.ts';
import { readConfig } from '../../shared/aws/config.ts';
import { createInvokeOperations } from '../../shared/aws/invoke-operations.ts';
import { createKmsVault } from '../../shared/aws/kms-vault.ts';
import { createFunctionLog } from '../../shared/aws/lambda-log.ts';
import { createS3Blobs } from '../../shared/aws/s3-blobs.ts';
import { createSealingKeys } from '../../shared/aws/sealing-keys.ts';
import { createDynamoStore } from '../../shared/aws/store/create-dynamo-store.ts';
import { createEgress } from '../../shared/egress/create-egress.ts';
import { systemClock as clock } from '../../shared/ports/clock.ts';
import { createAdminApp } from './app.ts';

const keys = ['mailboxKey', 'webhookKey'] as const;
const functions = ['pollFunction', 'dispatchFunction'] as const;
const config = readConfig(process.env, [
  'bucket',
  ...keys,
  ...functions,
  'linkDays',
  'egress',
  'egressAllow',
]);
const keyIds = { 'mailbox-credential': config.mailboxKey, 'webhook-secret': config.webhookKey };
const { bucket } = config;
const s3 = new S3Client(S3_OPTIONS);
const kms = new KMSClient(CLIENT_OPTIONS);
const app = createAdminApp({
  store: createDynamoStore({ ...config, client: new DynamoDBClient(CLIENT_OPTIONS), clock }),
  vault: createKmsVault({ sealing: createSealingKeys({ kms, s3, bucket, keyIds, clock }), opening: null }),
  blobs: createS3Blobs({ client: s3, bucket }),
  linkDays: config.linkDays,
  egress: createEgress({ policy: config.egress, allow: config.egressAllow }),
  operations: createInvokeOperations({
    ...config,
    client: new LambdaClient(INVOKE_OPTIONS),
    clientOnce: new LambdaClient(INVOKE_ONCE_OPTIONS),
  }),
  clock,
  random: randomBytes,
  log: createFunctionLog(config),
  version: packageJson.version,
});

/** Answers requests that came to the Function URL, which has checked their signature. */
export const handler = streamHandle(app);
