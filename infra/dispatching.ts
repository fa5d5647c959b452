import { Duration } from 'aws-cdk-lib';
import { Grant } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import { JobQueue } from './job-queue.ts';
import { LambdaFunction } from './lambda-function.ts';
import type { Settings } from './settings.ts';
import type { Storage } from './storage.ts';

/** A receiver has 30 s for its answer; names, the claim and the record of the outcome need the rest. */
const TIMEOUT = Duration.seconds(60);
/** Jobs of one invocation, up to ten deliveries each, all of them at once. */
const JOBS_PER_INVOCATION = 10;

interface DispatchingProps {
  readonly settings: Settings;
  readonly storage: Storage;
  /** Reads attachments for webhooks that want them in the event. */
  readonly files: LambdaFunction;
}

/** The queue of deliveries and the function that posts them: the only one that opens webhook secrets. */
export class Dispatching extends Construct {
  readonly jobs: JobQueue;
  readonly dispatch: LambdaFunction;

  constructor(scope: Construct, id: string, { settings, storage, files }: DispatchingProps) {
    super(scope, id);
    this.jobs = new JobQueue(this, 'Jobs', { timeout: TIMEOUT });
    this.dispatch = new LambdaFunction(this, 'Dispatch', {
      name: 'dispatch',
      description: 'Posts events to webhooks, signed, and records how that ended',
      settings,
      storage,
      memoryMb: settings.dispatchMemoryMb,
      timeout: TIMEOUT,
      environment: {
        bucket: storage.bucket.bucketName,
        webhookKey: storage.keys['webhook-secret'].keyArn,
        deliveriesQueue: this.jobs.queue.queueUrl,
        filesFunction: files.lambda.functionName,
        egress: settings.egress,
        egressAllow: settings.egressAllow.join(','),
      },
    });
    const { role } = this.dispatch;
    storage.grantTable(role);
    storage.grantBlobs(role, 'Get', ['event', 'body']);
    storage.grantBlobs(role, 'Put', ['body']);
    storage.keys['webhook-secret'].grant(role, 'kms:Decrypt');
    this.jobs.grantSend(role);
    Grant.addToPrincipal({
      grantee: role,
      actions: ['lambda:InvokeFunction'],
      resourceArns: [files.lambda.functionArn],
    });
    this.dispatch.lambda.addEventSource(
      new SqsEventSource(this.jobs.queue, {
        batchSize: JOBS_PER_INVOCATION,
        maxConcurrency: settings.dispatchConcurrency,
        reportBatchItemFailures: true,
      }),
    );
  }
}
