import { Duration, Stack } from 'aws-cdk-lib';
import { Grant, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Schedule, ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import { Construct } from 'constructs';
import type { JobQueue } from './job-queue.ts';
import { LambdaFunction } from './lambda-function.ts';
import type { Settings } from './settings.ts';
import type { Storage } from './storage.ts';

interface PlanningProps {
  readonly settings: Settings;
  readonly storage: Storage;
  readonly polls: JobQueue;
  readonly deliveries: JobQueue;
}

/** What the clock drives: every minute the tick, once a day the sweep of ledgers that nothing refers to any more. */
export class Planning extends Construct {
  readonly plan: LambdaFunction;
  readonly sweep: LambdaFunction;

  constructor(scope: Construct, id: string, props: PlanningProps) {
    super(scope, id);
    const { settings, storage } = props;
    this.plan = this.#createPlan(props);
    this.#every(Duration.minutes(1), 'Tick', this.plan);
    this.sweep = new LambdaFunction(this, 'Sweep', {
      name: 'sweep',
      description: 'Once a day: removes ledgers that no account refers to any more',
      settings,
      storage,
      memoryMb: 512,
      timeout: Duration.minutes(15),
      environment: {
        bucket: storage.bucket.bucketName,
      },
    });
    this.#every(Duration.days(1), 'Daily', this.sweep);
    storage.grantTable(this.sweep.role);
    storage.grantBlobs(this.sweep.role, 'Delete', ['ledger']);
    this.sweep.role.addToPolicy(
      new PolicyStatement({
        actions: ['s3:ListBucket'],
        resources: [storage.bucket.bucketArn],
        conditions: { StringLike: { 's3:prefix': 'ledger/*' } },
      }),
    );
  }

  #createPlan({ settings, storage, polls, deliveries }: PlanningProps): LambdaFunction {
    const plan = new LambdaFunction(this, 'Plan', {
      name: 'plan',
      description: 'Every minute: enqueues the accounts and deliveries that are due',
      settings,
      storage,
      memoryMb: 512,
      // A tick that is cut off saves nothing, and the next one has as much to do: so it may take longer than a minute.
      timeout: Duration.minutes(5),
      environment: {
        pollsQueue: polls.queue.queueUrl,
        deliveriesQueue: deliveries.queue.queueUrl,
      },
    });
    storage.grantTable(plan.role);
    polls.grantSend(plan.role);
    deliveries.grantSend(plan.role);
    return plan;
  }

  /** A tick that is late is worth nothing: the next one does its work too. So nothing is tried twice, on either side. */
  #every(period: Duration, id: string, { lambda }: LambdaFunction): void {
    lambda.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
    const role = new Role(this, `${id}Role`, {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    });
    Grant.addToPrincipal({
      grantee: role,
      actions: ['lambda:InvokeFunction'],
      resourceArns: [lambda.functionArn],
    });
    const target = new LambdaInvoke(lambda, {
      // The target would add all versions of the function, and there are none.
      role: role.withoutPolicyUpdates(),
      retryAttempts: 0,
      maxEventAge: Duration.minutes(1),
    });
    new Schedule(this, id, { schedule: ScheduleExpression.rate(period), target });
  }
}
