import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context } from 'aws-lambda';
import { CLIENT_OPTIONS } from '../../shared/aws/clients.ts';
import { readConfig } from '../../shared/aws/config.ts';
import { createFunctionLog } from '../../shared/aws/lambda-log.ts';
import { createSqsQueue } from '../../shared/aws/sqs-queue.ts';
import { createDynamoStore } from '../../shared/aws/store/create-dynamo-store.ts';
import { systemClock as clock } from '../../shared/ports/clock.ts';
import { tick } from './tick.ts';

const config = readConfig(process.env, ['pollsQueue', 'deliveriesQueue']);
const log = createFunctionLog(config);
const store = createDynamoStore({ ...config, client: new DynamoDBClient(CLIENT_OPTIONS), clock });
const urls = { poll: config.pollsQueue, dispatch: config.deliveriesQueue };
const queue = createSqsQueue({ client: new SQSClient(CLIENT_OPTIONS), urls, log });

/** One tick, whatever the event says. */
export async function handler(_event: unknown, context: Context): Promise<void> {
  await tick({ store, queue, clock, log: log.with({ requestId: context.awsRequestId }) });
}
