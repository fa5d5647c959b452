import { describe, expect, it } from 'vitest';
import { readSettings, SettingsError } from '../../infra/settings.ts';

describe('readSettings()', () => {
  it('has a default for everything', () => {
    expect(readSettings({})).toEqual({
      name: 'mailhook',
      egress: 'public',
      egressAllow: [],
      linkDays: 30,
      alarmEmail: null,
      retentionDays: 30,
      logLevel: 'info',
      logRetentionDays: 30,
      pollConcurrency: 20,
      dispatchConcurrency: 20,
      filesConcurrency: null,
      pollMemoryMb: 1024,
      dispatchMemoryMb: 512,
      restoredTable: null,
      removalPolicy: 'retain',
    });
  });

  it('reads values that the command line gives as text', () => {
    const context = {
      pollConcurrency: '50',
      egressAllow: '10.1.0.0/16, 10.2.0.0/16',
      alarmEmail: 'ops@example.com',
    };
    expect(readSettings(context)).toMatchObject({
      pollConcurrency: 50,
      egressAllow: ['10.1.0.0/16', '10.2.0.0/16'],
      alarmEmail: 'ops@example.com',
    });
  });

  it('passes over what the CDK keeps in the context for itself', () => {
    const context = {
      'aws:cdk:bundling-stacks': ['**'],
      '@aws-cdk/core:target-partitions': ['aws'],
      'availability-zones:account=1:region=eu-west-1': ['a'],
    };
    expect(readSettings(context).name).toBe('mailhook');
  });

  it.each([
    [{ name: 'Mail Hook' }, 'Cannot use name "Mail Hook": give at most 30 of a-z, 0-9 and -, a letter first'],
    [{ egress: 'open' }, 'Cannot use egress "open": give public or private-ok'],
    [{ egressAllow: '10.0.0.0/33' }, 'Cannot use egressAllow "10.0.0.0/33": give ranges such as 10.0.0.0/8'],
    [{ alarmEmail: 'nobody' }, 'Cannot use alarmEmail "nobody": give a mail address'],
    [{ retentionDays: '0' }, 'Cannot use retentionDays "0": give a whole number from 1 to 1000'],
    [{ retentionDays: 'many' }, 'Cannot use retentionDays "many": give a whole number from 1 to 1000'],
    [{ logLevel: 'debug' }, 'Cannot use logLevel "debug": give info, warn or error'],
    [{ logRetentionDays: 31 }, 'Cannot use logRetentionDays 31: give one of 1, 3, 5'],
    [{ pollConcurrency: 1 }, 'Cannot use pollConcurrency 1: give a whole number from 2 to 1000'],
    [{ pollMemoryMb: 128 }, 'Cannot use pollMemoryMb 128: give a whole number from 512 to 10240'],
    [{ restoredTable: 'no name' }, 'Cannot use restoredTable "no name": give the name of a DynamoDB table'],
    [{ removalPolicy: 'keep' }, 'Cannot use removalPolicy "keep": give retain or destroy'],
    [
      { pollMemory: 512 },
      'Cannot use the setting "pollMemory": there is none of this name, only name, egress',
    ],
  ])('refuses %j in one line', (context, message) => {
    expect(() => readSettings(context)).toThrow(SettingsError);
    expect(() => readSettings(context)).toThrow(message);
    expect(() => readSettings(context)).not.toThrow('\n');
  });
});
