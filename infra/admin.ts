import { Duration, Stack, Validations } from 'aws-cdk-lib';
import { Grant, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type FunctionUrl, FunctionUrlAuthType, InvokeMode } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { LambdaFunction } from './lambda-function.ts';
import type { Settings } from './settings.ts';
import type { Storage } from './storage.ts';

interface AdminProps {
  readonly settings: Settings;
  readonly storage: Storage;
  readonly poll: LambdaFunction;
  readonly dispatch: LambdaFunction;
}

/** The HTTP API behind a Function URL that takes signed requests only. It seals secrets and opens none. */
export class Admin extends Construct {
  readonly admin: LambdaFunction;
  readonly url: FunctionUrl;
  /** Attached to a user or a role it allows to find and call the API; nothing else of this stack does. */
  readonly access: ManagedPolicy;

  constructor(scope: Construct, id: string, { settings, storage, poll, dispatch }: AdminProps) {
    super(scope, id);
    this.admin = new LambdaFunction(this, 'Admin', {
      name: 'admin',
      description: 'The HTTP API',
      settings,
      storage,
      memoryMb: 512,
      // A manual poll and a first baseline answer when they have ended.
      timeout: Duration.minutes(15),
      environment: {
        bucket: storage.bucket.bucketName,
        mailboxKey: storage.keys['mailbox-credential'].keyArn,
        webhookKey: storage.keys['webhook-secret'].keyArn,
        pollFunction: poll.lambda.functionName,
        dispatchFunction: dispatch.lambda.functionName,
        linkDays: String(settings.linkDays),
        egress: settings.egress,
        egressAllow: settings.egressAllow.join(','),
      },
    });
    const { role } = this.admin;
    storage.grantTable(role);
    storage.grantBlobs(role, 'Get', ['raw', 'event']);
    for (const key of Object.values(storage.keys)) key.grant(role, 'kms:GenerateDataKeyPairWithoutPlaintext');
    storage.grantSealingKeys(role);
    Grant.addToPrincipal({
      grantee: role,
      actions: ['lambda:InvokeFunction'],
      resourceArns: [poll.lambda.functionArn, dispatch.lambda.functionArn],
    });
    this.url = this.admin.lambda.addFunctionUrl({
      authType: FunctionUrlAuthType.AWS_IAM,
      // A mail of 30 MB is more than a buffered answer may hold.
      invokeMode: InvokeMode.RESPONSE_STREAM,
    });
    this.access = this.#createAccess(settings);
    // Both actions: since October 2025 a Function URL asks for lambda:InvokeFunction too.
    this.url.grantInvokeUrl(this.access);
  }

  #createAccess(settings: Settings): ManagedPolicy {
    const stack = Stack.of(this);
    const resource = `stack/${settings.name}/*`;
    const access = new ManagedPolicy(this, 'Access', {
      description: `Allows to find and call the API of ${settings.name}`,
      statements: [
        new PolicyStatement({
          actions: ['cloudformation:DescribeStacks'],
          resources: [stack.formatArn({ service: 'cloudformation', resource })],
        }),
      ],
    });
    const id = 'arn:<AWS::Partition>:cloudformation:<AWS::Region>:<AWS::AccountId>';
    Validations.of(access).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${id}:${resource}]`,
      reason: 'A stack that is asked for by its name is checked under that name with any id behind it.',
    });
    return access;
  }
}
