import { pipeline } from 'node:stream/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { CLIENT_OPTIONS, S3_OPTIONS } from '../../shared/aws/clients.ts';
import { readConfig } from '../../shared/aws/config.ts';
import type { FilesInvocation } from '../../shared/aws/invocation.ts';
import { createFunctionLog } from '../../shared/aws/lambda-log.ts';
import { createS3Blobs } from '../../shared/aws/s3-blobs.ts';
import { createPresign } from '../../shared/aws/s3-presign.ts';
import { createDynamoStore } from '../../shared/aws/store/create-dynamo-store.ts';
import { systemClock as clock } from '../../shared/ports/clock.ts';
import { answerRequest } from './answer-request.ts';
import { createCutter } from './cutter.ts';
import type { FilesDeps } from './deps.ts';
import { readContents } from './read-contents.ts';

const config = readConfig(process.env, ['bucket', 'linkDays']);
const s3 = { client: new S3Client(S3_OPTIONS), bucket: config.bucket };
const blobs = createS3Blobs(s3);
const workerUrl = new URL('./worker.mjs', import.meta.url);
const deps: FilesDeps = {
  store: createDynamoStore({ ...config, client: new DynamoDBClient(CLIENT_OPTIONS), clock }),
  blobs,
  cutter: await createCutter({ blobs, folder: '/tmp/mailhook-files', workerUrl }),
  presign: createPresign(s3),
  linkDays: config.linkDays,
  clock,
  log: createFunctionLog(config),
};

/** Answers requests that came to the Function URL, from anybody, and what dispatch asks for. */
export const handler = awslambda.streamifyResponse<APIGatewayProxyEventV2 | FilesInvocation, void>(
  async (event, stream) => {
    if ('operation' in event) {
      await pipeline([JSON.stringify(await readContents(deps, event.eventId, event.ids))], stream);
      return;
    }
    const { method } = event.requestContext.http;
    const answer = await answerRequest(deps, { method, path: event.rawPath, headers: event.headers });
    const { status: statusCode, headers, body } = answer;
    const out = awslambda.HttpResponseStream.from(stream, { statusCode, headers });
    await pipeline(typeof body === 'string' || body === null ? [body ?? ''] : body, out);
  },
);
