import { LambdaClient } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import { createInvokeContents } from '../../../shared/aws/invoke-contents.ts';
import type { EventId } from '../../../shared/identity.ts';
import { type AwsStub, startAwsStub } from '../../support/aws-stub.ts';

const ID = `msg_${'a'.repeat(26)}` as EventId;
const contentsOn = (stub: AwsStub) =>
  createInvokeContents({ client: new LambdaClient(stub.clientOptions), filesFunction: 'stack-files' });

describe('createInvokeContents()', () => {
  it('asks the files function for the attachments of one message', async () => {
    await using stub = await startAwsStub(() => ({ body: { 1: 'AAAA' } }));
    expect(await contentsOn(stub)(ID, ['1', '2'])).toEqual({ 1: 'AAAA' });
    expect(stub.requests).toMatchObject([
      {
        path: '/2015-03-31/functions/stack-files/invocations',
        body: { operation: 'readContents', eventId: ID, ids: ['1', '2'] },
      },
    ]);
  });

  it('takes a function that failed for no answer, so that the delivery is attempted again', async () => {
    await using stub = await startAwsStub(() => ({
      headers: { 'x-amz-function-error': 'Unhandled' },
      body: { errorType: 'Error', errorMessage: 'of a mail' },
    }));
    await expect(contentsOn(stub)(ID, ['1'])).rejects.toThrow(
      'Cannot read attachments: stack-files failed, see its log',
    );
  });
});
