import { Duration } from 'aws-cdk-lib';
import type { FunctionUrl } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import { JobQueue } from './job-queue.ts';
import { LambdaFunction } from './lambda-function.ts';
import type { Settings } from './settings.ts';
import type { Storage } from './storage.ts';

/** As long as Lambda allows: a first poll of a large mailbox, and a mail server that takes its time. */
const TIMEOUT = Duration.minutes(15);
/** Jobs of one invocation, five accounts of each at once: 25 sessions in the memory of one function. */
const JOBS_PER_INVOCATION = 5;

interface PollingProps {
  readonly settings: Settings;
  readonly storage: Storage;
  /** The queue that committed deliveries are announced in. */
  readonly deliveries: JobQueue;
  /** Where the links of messages lead. */
  readonly filesUrl: FunctionUrl;
}

/** The queue of poll jobs and the function that polls: the only one that opens mailbox credentials. */
export class Polling extends Construct {
  readonly jobs: JobQueue;
  readonly poll: LambdaFunction;

  constructor(scope: Construct, id: string, { settings, storage, deliveries, filesUrl }: PollingProps) {
    super(scope, id);
    this.jobs = new JobQueue(this, 'Jobs', { timeout: TIMEOUT });
    this.poll = new LambdaFunction(this, 'Poll', {
      name: 'poll',
      description: 'Polls mailboxes, keeps what is new and settles what was delivered',
      settings,
      storage,
      memoryMb: settings.pollMemoryMb,
      timeout: TIMEOUT,
      environment: {
        bucket: storage.bucket.bucketName,
        mailboxKey: storage.keys['mailbox-credential'].keyArn,
        deliveriesQueue: deliveries.queue.queueUrl,
        filesUrl: filesUrl.url,
        egress: settings.egress,
        egressAllow: settings.egressAllow.join(','),
      },
    });
    const { role } = this.poll;
    storage.grantTable(role);
    storage.grantBlobs(role, 'Put', ['raw', 'event', 'ledger']);
    storage.grantBlobs(role, 'Get', ['ledger']);
    storage.keys['mailbox-credential'].grant(role, 'kms:Decrypt');
    deliveries.grantSend(role);
    this.poll.lambda.addEventSource(
      new SqsEventSource(this.jobs.queue, {
        batchSize: JOBS_PER_INVOCATION,
        maxConcurrency: settings.pollConcurrency,
        reportBatchItemFailures: true,
      }),
    );
  }
}
