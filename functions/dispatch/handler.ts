import { LambdaClient } from '@aws-sdk/client-lambda';
import type { Context, SQSEvent } from 'aws-lambda';
import { CONTENTS_OPTIONS } from '../../shared/aws/clients.ts';
import { readConfig } from '../../shared/aws/config.ts';
import type { DispatchInvocation } from '../../shared/aws/invocation.ts';
import { createInvokeContents } from '../../shared/aws/invoke-contents.ts';
import { runJobs } from '../../shared/aws/job-records.ts';
import { createFunctionLog } from '../../shared/aws/lambda-log.ts';
import { createWorkerPorts } from '../../shared/aws/worker-ports.ts';
import { createEgress } from '../../shared/egress/create-egress.ts';
import { systemClock as clock } from '../../shared/ports/clock.ts';
import { dispatch } from './dispatch.ts';
import { answerInvocation } from './invoked.ts';
import { createPostClient } from './post.ts';

const config = readConfig(process.env, [
  ...(['bucket', 'webhookKey', 'deliveriesQueue', 'filesFunction', 'egress', 'egressAllow'] as const),
]);
const log = createFunctionLog(config);
const egress = createEgress({ policy: config.egress, allow: config.egressAllow });
const urls = { dispatch: config.deliveriesQueue };
const keyIds = { 'webhook-secret': config.webhookKey };
const ports = {
  ...createWorkerPorts({ ...config, log, urls, keyIds }),
  contents: createInvokeContents({ ...config, client: new LambdaClient(CONTENTS_OPTIONS) }),
  clock,
  random: Math.random,
};

/** Delivers what queued jobs name, or does what the admin function asks for; connections are kept until it has ended. */
export async function handler(event: SQSEvent | DispatchInvocation, context: Context): Promise<unknown> {
  const post = createPostClient({ egress, keepAlive: true });
  const deps = { ...ports, post, log: log.with({ requestId: context.awsRequestId }) };
  try {
    if ('operation' in event) return await answerInvocation(deps, event);
    return await runJobs(event.Records, 'dispatch', deps.log, (job) => dispatch(deps, job));
  } finally {
    post.close();
  }
}
