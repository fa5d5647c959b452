import { randomBytes } from 'node:crypto';
import type { Context, SQSEvent } from 'aws-lambda';
import { readConfig } from '../../shared/aws/config.ts';
import { createDeadline } from '../../shared/aws/deadline.ts';
import type { PollInvocation } from '../../shared/aws/invocation.ts';
import { runJobs } from '../../shared/aws/job-records.ts';
import { createFunctionLog } from '../../shared/aws/lambda-log.ts';
import { createWorkerPorts } from '../../shared/aws/worker-ports.ts';
import { createEgress } from '../../shared/egress/create-egress.ts';
import { systemClock as clock } from '../../shared/ports/clock.ts';
import { createByteBudget } from './byte-budget.ts';
import { answerInvocation, pollInTime } from './invoked.ts';
import { openMailSource } from './mail/open-mail-source.ts';
import { createParsePool } from './parse/parse-pool.ts';

const config = readConfig(process.env, [
  'bucket',
  'mailboxKey',
  'deliveriesQueue',
  'filesUrl',
  'egress',
  'egressAllow',
]);
const log = createFunctionLog(config);
const urls = { dispatch: config.deliveriesQueue };
const keyIds = { 'mailbox-credential': config.mailboxKey };
const ports = {
  ...createWorkerPorts({ ...config, log, urls, keyIds }),
  openSource: openMailSource(createEgress({ policy: config.egress, allow: config.egressAllow })),
  // The bundle has the thread's program beside this one.
  parse: createParsePool({ workerUrl: new URL('./worker.mjs', import.meta.url) }).parse,
  links: { publicUrl: Promise.resolve(config.filesUrl), random: randomBytes },
  budget: createByteBudget(),
  clock,
};

/** Polls the accounts of queued jobs, or does what the admin function asks for. */
export async function handler(event: SQSEvent | PollInvocation, context: Context): Promise<unknown> {
  using deadline = createDeadline(context);
  const deps = { ...ports, log: log.with({ requestId: context.awsRequestId }) };
  if ('operation' in event) return await answerInvocation(deps, event, deadline);
  return await runJobs(event.Records, 'poll', deps.log, (job) => pollInTime(deps, job, deadline));
}
