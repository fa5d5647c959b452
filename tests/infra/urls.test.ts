import type { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { SYNTH_TIMEOUT_MS, templateWith } from './synth.ts';

let template: Template;
beforeAll(() => {
  template = templateWith();
}, SYNTH_TIMEOUT_MS);

const propertiesOf = (type: string): Record<string, unknown>[] =>
  Object.values(template.findResources(type)).map(({ Properties }) => Properties);

/** The id of the function in `{"Fn::GetAtt":["AdminFunctionB43FDCE7","Arn"]}`. */
const functionOf = (arn: unknown) =>
  (arn as { 'Fn::GetAtt': [string] })['Fn::GetAtt'][0].replace(/[0-9A-F]{8}$/, '');

describe('the stack', () => {
  it('sets invocations apart for the files where the settings say so, and for nothing else', () => {
    const reserved = (one: Template) =>
      Object.values(one.findResources('AWS::Lambda::Function')).flatMap(({ Properties }) =>
        Properties.ReservedConcurrentExecutions === undefined
          ? []
          : [[Properties.FunctionName, Properties.ReservedConcurrentExecutions]],
      );
    expect(reserved(template)).toEqual([]);
    expect(reserved(templateWith({ filesConcurrency: '25' }))).toEqual([['mailhook-files', 25]]);
  });

  it('has a URL of the API for signed requests only, and one of the files for anybody', () => {
    const urls = propertiesOf('AWS::Lambda::Url').map(({ AuthType, InvokeMode, TargetFunctionArn }) =>
      [functionOf(TargetFunctionArn), AuthType, InvokeMode].join(' '),
    );
    expect(urls.sort()).toEqual([
      'AdminFunction AWS_IAM RESPONSE_STREAM',
      'FilesFunction NONE RESPONSE_STREAM',
    ]);
    // Through the URL only: since October 2025 that takes both rights.
    const permissions = propertiesOf('AWS::Lambda::Permission').map(({ FunctionName, ...rest }) => ({
      ...rest,
      FunctionName: functionOf(FunctionName),
    }));
    expect(permissions).toEqual([
      {
        ...{ Action: 'lambda:InvokeFunctionUrl', FunctionName: 'FilesFunction', Principal: '*' },
        FunctionUrlAuthType: 'NONE',
      },
      {
        ...{ Action: 'lambda:InvokeFunction', FunctionName: 'FilesFunction', Principal: '*' },
        InvokedViaFunctionUrl: true,
      },
    ]);
  });
});
