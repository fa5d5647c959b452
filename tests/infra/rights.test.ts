import { Match, type Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { SYNTH_TIMEOUT_MS, templateWith } from './synth.ts';

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

let template: Template;
beforeAll(() => {
  template = templateWith();
}, SYNTH_TIMEOUT_MS);

const listOf = <Item>(value: Item | readonly Item[]): readonly Item[] =>
  Array.isArray(value) ? value : [value as Item];

/** `{"Fn::GetAtt":["StorageTableB43FDCE7","Arn"]}` as `StorageTable`, and what is joined to it behind. */
function nameOf(resource: unknown): string {
  if (typeof resource === 'string') return resource;
  if ('Ref' in (resource as object)) return (resource as { Ref: string }).Ref;
  const { 'Fn::GetAtt': attribute, 'Fn::Join': join } = resource as Record<string, [string, unknown]>;
  if (attribute !== undefined) return attribute[0].replace(/[0-9A-F]{8}$/, '');
  const parts = join?.[1] as readonly unknown[];
  return parts.map(nameOf).join('');
}

/** What a role may do: `action resource`, one for each, in order. */
function rightsOf(role: string): string[] {
  const policies = Object.values(template.findResources('AWS::IAM::Policy')).filter((policy) =>
    (policy.Properties.Roles as { Ref: string }[]).some(
      ({ Ref }) => Ref.replace(/[0-9A-F]{8}$/, '') === role,
    ),
  );
  const statements = policies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement as Statement[]);
  expect(statements.every(({ Effect }) => Effect === 'Allow')).toBe(true);
  const rights = statements.flatMap(({ Action, Resource }) =>
    listOf(Action).flatMap((action) => listOf(Resource).map((resource) => `${action} ${nameOf(resource)}`)),
  );
  return [...new Set(rights)].sort();
}

const tableActions = [
  'GetItem',
  'BatchGetItem',
  'Query',
  'ConditionCheckItem',
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'BatchWriteItem',
];
const table = tableActions.flatMap((action) =>
  ['', '/index/GSI1', '/index/GSI2'].map((part) => `dynamodb:${action} StorageTable${part}`),
);
const logOf = (name: string) => [`logs:CreateLogStream ${name}Log`, `logs:PutLogEvents ${name}Log`];
const consume = (queue: string) =>
  ['ChangeMessageVisibility', 'DeleteMessage', 'GetQueueAttributes', 'GetQueueUrl', 'ReceiveMessage'].map(
    (action) => `sqs:${action} ${queue}`,
  );

describe('rights of the functions', () => {
  it.each<[string, string, string[]]>([
    [
      'plan',
      'PlanningPlanRole',
      [
        ...table,
        ...logOf('PlanningPlan'),
        'sqs:SendMessage DispatchingJobsQueue',
        'sqs:SendMessage PollingJobsQueue',
      ],
    ],
    [
      'poll',
      'PollingPollRole',
      [
        ...table,
        ...logOf('PollingPoll'),
        ...consume('PollingJobsQueue'),
        'kms:Decrypt StorageMailboxKey',
        's3:GetObject StorageBucket/ledger/*',
        's3:PutObject StorageBucket/event/*',
        's3:PutObject StorageBucket/ledger/*',
        's3:PutObject StorageBucket/raw/*',
        'sqs:SendMessage DispatchingJobsQueue',
      ],
    ],
    [
      'dispatch',
      'DispatchingDispatchRole',
      [
        ...table,
        ...logOf('DispatchingDispatch'),
        ...consume('DispatchingJobsQueue'),
        'kms:Decrypt StorageWebhookKey',
        'lambda:InvokeFunction FilesFunction',
        's3:GetObject StorageBucket/body/*',
        's3:GetObject StorageBucket/event/*',
        's3:PutObject StorageBucket/body/*',
        'sqs:SendMessage DispatchingJobsQueue',
      ],
    ],
    [
      'admin',
      'AdminRole',
      [
        ...table,
        ...logOf('Admin'),
        'kms:GenerateDataKeyPairWithoutPlaintext StorageMailboxKey',
        'kms:GenerateDataKeyPairWithoutPlaintext StorageWebhookKey',
        'lambda:InvokeFunction DispatchingDispatchFunction',
        'lambda:InvokeFunction PollingPollFunction',
        's3:GetObject StorageBucket/event/*',
        's3:GetObject StorageBucket/keys/*',
        's3:GetObject StorageBucket/raw/*',
        's3:PutObject StorageBucket/keys/*',
      ],
    ],
    [
      'files',
      'FilesRole',
      [
        ...logOf('Files'),
        'dynamodb:GetItem StorageTable',
        's3:GetObject StorageBucket/event/*',
        's3:GetObject StorageBucket/raw/*',
      ],
    ],
    [
      'sweep',
      'PlanningSweepRole',
      [
        ...table,
        ...logOf('PlanningSweep'),
        's3:DeleteObject StorageBucket/ledger/*',
        's3:ListBucket StorageBucket',
      ],
    ],
  ])('%s may do this and nothing else', (_name, role, expected) => {
    expect(rightsOf(role)).toEqual([...expected].sort());
  });

  it('only poll opens mailbox credentials, only dispatch webhook secrets, and admin neither', () => {
    const openers = [
      'PlanningPlanRole',
      'PollingPollRole',
      'DispatchingDispatchRole',
      'AdminRole',
      'FilesRole',
      'PlanningSweepRole',
    ]
      .flatMap((role) => rightsOf(role).map((right) => `${role} ${right}`))
      .filter((right) => right.includes('kms:') && !right.includes('WithoutPlaintext'));
    expect(openers).toEqual([
      'PollingPollRole kms:Decrypt StorageMailboxKey',
      'DispatchingDispatchRole kms:Decrypt StorageWebhookKey',
    ]);
  });

  it('files, which anybody may ask, reads of the table nothing but events', () => {
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          {
            ...{ Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: Match.anyValue() },
            Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['E#*'] } },
          },
        ]),
      },
    });
  });

  it('the schedule may start its function and nothing else', () => {
    expect(rightsOf('PlanningTickRole')).toEqual(['lambda:InvokeFunction PlanningPlanFunction']);
    expect(rightsOf('PlanningDailyRole')).toEqual(['lambda:InvokeFunction PlanningSweepFunction']);
  });

  it('no role has a policy that AWS may widen, and no two functions share a role', () => {
    const roles = Object.values(template.findResources('AWS::IAM::Role'));
    expect(roles.filter(({ Properties }) => Properties.ManagedPolicyArns !== undefined)).toEqual([]);
    const used = Object.values(template.findResources('AWS::Lambda::Function')).map(
      ({ Properties }) => Properties.Role['Fn::GetAtt'][0] as string,
    );
    expect(new Set(used).size).toBe(used.length);
  });

  it('the access policy has both actions that a Function URL asks for, and finds it by the name of the stack', () => {
    const [policy] = Object.values(template.findResources('AWS::IAM::ManagedPolicy'));
    const statements = policy?.Properties.PolicyDocument.Statement as Statement[];
    expect(statements.map(({ Action, Resource }) => `${Action} ${nameOf(Resource)}`).sort()).toEqual([
      'cloudformation:DescribeStacks arn:AWS::Partition:cloudformation:AWS::Region:AWS::AccountId:stack/mailhook/*',
      'lambda:InvokeFunction AdminFunction',
      'lambda:InvokeFunctionUrl AdminFunction',
    ]);
    const byUrl = statements.find(({ Action }) => Action === 'lambda:InvokeFunction');
    expect(byUrl?.Condition).toEqual({ Bool: { 'lambda:InvokedViaFunctionUrl': true } });
  });
});
