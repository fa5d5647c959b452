import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage, type Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as Lambda, LoggingFormat, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { VARIABLES } from '../shared/aws/config.ts';
import { bundle, type FunctionName } from './bundle.ts';
import type { Settings } from './settings.ts';
import type { Storage } from './storage.ts';

interface LambdaFunctionProps {
  readonly name: FunctionName;
  readonly description: string;
  readonly settings: Settings;
  readonly memoryMb: number;
  readonly timeout: Duration;
  /** Invocations at once that are set apart for it, and are its most. @default null, as many as the account may run */
  readonly reservedConcurrency?: number | null;
  readonly storage: Storage;
  /** Its own settings, beside those of every function. */
  readonly environment: Readonly<Partial<Record<keyof typeof VARIABLES, string>>>;
}

/** A function with a role and a log group of its own; the role may write that log and nothing else until it is granted more. */
export class LambdaFunction extends Construct {
  readonly lambda: Lambda;
  readonly role: Role;

  constructor(scope: Construct, id: string, props: LambdaFunctionProps) {
    super(scope, id);
    const { name, settings, storage } = props;
    const functionName = `${settings.name}-${name}`;
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: settings.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(this.role);
    this.lambda = new Lambda(this, 'Function', {
      functionName,
      description: props.description,
      role: this.role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: bundledCode(name),
      memorySize: props.memoryMb,
      timeout: props.timeout,
      ...(props.reservedConcurrency != null && {
        reservedConcurrentExecutions: props.reservedConcurrency,
      }),
      environment: environmentOf({
        stack: settings.name,
        logLevel: settings.logLevel,
        table: storage.table.tableName,
        retentionDays: String(settings.retentionDays),
        ...props.environment,
      }),
    });
  }
}

function environmentOf(settings: LambdaFunctionProps['environment']): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [key, { name }] of Object.entries(VARIABLES)) {
    const value = settings[key as keyof typeof VARIABLES];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

/** The bundle, made by esbuild on this machine; its hash is that of what came out, so that an unchanged function stays. */
function bundledCode(name: FunctionName): Code {
  return Code.fromAsset(fileURLToPath(new URL(`../functions/${name}`, import.meta.url)), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Never used: the local bundling always succeeds or throws.
      image: DockerImage.fromRegistry('none'),
      local: {
        tryBundle(folder) {
          bundle(name, folder);
          return true;
        },
      },
    },
  });
}
