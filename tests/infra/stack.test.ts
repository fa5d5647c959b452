import { Validations } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, it } from 'vitest';
import { SYNTH_TIMEOUT_MS, stackWith, templateWith } from './synth.ts';

let template: Template;
beforeAll(() => {
  template = templateWith();
}, SYNTH_TIMEOUT_MS);

const propertiesOf = (type: string): Record<string, unknown>[] =>
  Object.values(template.findResources(type)).map(({ Properties }) => Properties);

describe('the stack', () => {
  it('has no finding of cdk-nag that is not acknowledged, with an alarm topic too', () => {
    const { app } = stackWith({ alarmEmail: 'ops@example.com' });
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    expect(() => app.synth()).not.toThrow();
  });

  it('keeps table, bucket and keys when it is deleted or they are replaced', () => {
    for (const type of ['AWS::DynamoDB::GlobalTable', 'AWS::S3::Bucket', 'AWS::KMS::Key']) {
      const policy = { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' };
      template.allResources(type, policy);
    }
    expect(propertiesOf('AWS::DynamoDB::GlobalTable')).toMatchObject([
      { Replicas: [{ DeletionProtectionEnabled: true }] },
    ]);
    expect(stackWith().stack.terminationProtection).toBe(true);
  });

  it('lets go of everything where the settings say so', () => {
    const destroyed = templateWith({ removalPolicy: 'destroy' });
    for (const type of ['AWS::DynamoDB::GlobalTable', 'AWS::S3::Bucket', 'AWS::KMS::Key']) {
      destroyed.allResources(type, { DeletionPolicy: 'Delete' });
    }
    destroyed.hasResourceProperties('AWS::DynamoDB::GlobalTable', {
      Replicas: [Match.objectLike({ DeletionProtectionEnabled: false })],
    });
  });

  it('has one table on demand, with both indexes, recovery to any second and expiry', () => {
    const indexOf = (number: number, include: readonly string[]) => ({
      IndexName: `GSI${number}`,
      KeySchema: [
        { AttributeName: `gsi${number}pk`, KeyType: 'HASH' },
        { AttributeName: `gsi${number}sk`, KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: include },
    });
    expect(propertiesOf('AWS::DynamoDB::GlobalTable')).toMatchObject([
      {
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        GlobalSecondaryIndexes: [indexOf(1, ['host', 'itemState']), indexOf(2, ['itemState'])],
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
        Replicas: [{ PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } }],
      },
    ]);
  });

  it('works on a restored table where one is named, and lets go of its own, which is kept', () => {
    const restored = templateWith({ restoredTable: 'mailhook-restored' });
    restored.resourceCountIs('AWS::DynamoDB::GlobalTable', 0);
    restored.allResourcesProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ MAILHOOK_TABLE: 'mailhook-restored' }) },
    });
    const arn = { 'Fn::Join': ['', Match.arrayWith([':table/mailhook-restored/index/GSI1'])] };
    restored.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([Match.objectLike({ Resource: Match.arrayWith([arn]) })]),
      },
    });
  });

  it('lets the bytes of mails expire and never a ledger', () => {
    const [bucket] = propertiesOf('AWS::S3::Bucket') as [{ LifecycleConfiguration: { Rules: object[] } }];
    expect(bucket.LifecycleConfiguration.Rules).toEqual([
      ...['raw', 'event', 'body'].map((kind) => ({
        Id: `${kind}-ends`,
        Prefix: `${kind}/`,
        ExpirationInDays: 75,
        Status: 'Enabled',
      })),
      {
        Id: 'unfinished-uploads-end',
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
        Status: 'Enabled',
      },
    ]);
  });

  it('has a bucket that nobody reaches without TLS or from the public', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
    const deniesPlain = {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    };
    template.hasResourceProperties('AWS::S3::BucketPolicy', deniesPlain);
    template.resourcePropertiesCountIs('AWS::SQS::QueuePolicy', deniesPlain, 4);
  });

  it('gives each queue six times the timeout of its function, and its dead letters 14 days', () => {
    const queues = propertiesOf('AWS::SQS::Queue');
    const working = queues.filter(({ RedrivePolicy }) => RedrivePolicy !== undefined);
    expect(working.map(({ VisibilityTimeout }) => VisibilityTimeout).sort()).toEqual([360, 5_400]);
    expect(working).toMatchObject([
      { RedrivePolicy: { maxReceiveCount: 5 } },
      { RedrivePolicy: { maxReceiveCount: 5 } },
    ]);
    const dead = queues.filter(({ RedrivePolicy }) => RedrivePolicy === undefined);
    expect(dead).toMatchObject([
      { MessageRetentionPeriod: 1_209_600 },
      { MessageRetentionPeriod: 1_209_600 },
    ]);
  });

  it('takes jobs with partial answers, and no more at once than the settings say', () => {
    const limited = templateWith({ pollConcurrency: 7, dispatchConcurrency: 9 });
    const mappings = Object.values(limited.findResources('AWS::Lambda::EventSourceMapping'));
    expect(
      mappings.map(({ Properties }) => [
        Properties.BatchSize,
        Properties.ScalingConfig.MaximumConcurrency,
        Properties.FunctionResponseTypes,
      ]),
    ).toEqual([
      [10, 9, ['ReportBatchItemFailures']],
      [5, 7, ['ReportBatchItemFailures']],
    ]);
  });

  it('ticks every minute, and never tries a tick again: neither the schedule nor Lambda', () => {
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'rate(1 minute)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: Match.objectLike({ RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 } }),
    });
    template.allResourcesProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 60,
    });
  });

  it('runs its functions on Node 24 and arm64, each with its log', () => {
    template.allResourcesProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
    });
    const names = ['admin', 'dispatch', 'files', 'plan', 'poll', 'sweep'];
    expect(
      propertiesOf('AWS::Lambda::Function')
        .map(({ FunctionName }) => FunctionName)
        .sort(),
    ).toEqual(names.map((name) => `mailhook-${name}`));
    expect(
      propertiesOf('AWS::Logs::LogGroup')
        .map(({ LogGroupName }) => LogGroupName)
        .sort(),
    ).toEqual(names.map((name) => `/aws/lambda/mailhook-${name}`));
  });

  it('rotates its keys', () => {
    template.resourcePropertiesCountIs('AWS::KMS::Key', { EnableKeyRotation: true }, 2);
  });

  it('takes a missing tick for an alarm, and the absence of anything else for quiet', () => {
    const alarms = propertiesOf('AWS::CloudWatch::Alarm');
    const breaching = alarms.filter(({ TreatMissingData }) => TreatMissingData === 'breaching');
    expect(breaching).toMatchObject([
      { AlarmName: 'mailhook-TickMissing', ComparisonOperator: 'LessThanThreshold', Threshold: 1 },
    ]);
    expect(alarms).toHaveLength(21);
    expect(alarms.every(({ AlarmActions }) => AlarmActions === undefined)).toBe(true);
  });

  it('sends every alarm to the address that is set, and says when it is over', () => {
    const told = templateWith({ alarmEmail: 'ops@example.com' });
    told.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'ops@example.com' });
    told.allResourcesProperties('AWS::CloudWatch::Alarm', {
      AlarmActions: [Match.anyValue()],
      OKActions: [Match.anyValue()],
    });
    told.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Allow', Principal: { Service: 'cloudwatch.amazonaws.com' } }),
        ]),
      },
    });
  });

  it('names in its outputs what an operator needs', () => {
    expect(Object.keys(template.findOutputs('*')).sort()).toEqual([
      'AdminAccessPolicy',
      'AdminUrl',
      'Bucket',
      'Dashboard',
      'DeliveriesDeadLetters',
      'DeliveriesQueue',
      'FilesUrl',
      'MailboxKey',
      'PollsDeadLetters',
      'PollsQueue',
      'Table',
      'WebhookKey',
    ]);
  });

  it('two stacks in one account share no name', () => {
    const namesIn = (one: Template) =>
      JSON.stringify(one.toJSON()).match(
        /"(?:FunctionName|LogGroupName|AlarmName|DashboardName)":"[^"]+"/g,
      ) ?? [];
    const other = new Set(namesIn(templateWith({ name: 'second' })));
    expect(namesIn(template).filter((name) => other.has(name))).toEqual([]);
  });
});
