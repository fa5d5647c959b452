import { LambdaClient } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import { INVOKE_ONCE_OPTIONS } from '../../../shared/aws/clients.ts';
import { createInvokeOperations } from '../../../shared/aws/invoke-operations.ts';
import type { AccountId, WebhookId } from '../../../shared/identity.ts';
import { type AwsStub, startAwsStub } from '../../support/aws-stub.ts';

const idOf = (number: number) => `acc_${String(number).padStart(16, 'a')}` as AccountId;
const operationsOn = (stub: AwsStub) =>
  createInvokeOperations({
    client: new LambdaClient({ ...stub.clientOptions, maxAttempts: 2 }),
    clientOnce: new LambdaClient({ ...stub.clientOptions, ...INVOKE_ONCE_OPTIONS }),
    pollFunction: 'stack-poll',
    dispatchFunction: 'stack-dispatch',
  });
const FAILED = { 'x-amz-function-error': 'Unhandled' };

describe('createInvokeOperations()', () => {
  it('polls in invocations of five accounts, and gives the reports in the order of the accounts', async () => {
    await using stub = await startAwsStub(({ body }) => ({
      body: (body.ids as string[]).map((name) => ({ name, outcome: 'ok' })),
    }));
    const ids = Array.from({ length: 12 }, (_, number) => idOf(number));
    const reports = await operationsOn(stub).poll(ids);
    expect(stub.requests.map(({ body }) => (body.ids as string[]).length).sort()).toEqual([2, 5, 5]);
    expect(stub.requests[0]?.path).toBe('/2015-03-31/functions/stack-poll/invocations');
    expect(reports.map(({ name }) => name)).toEqual(ids);
  });

  it('polling nothing invokes nothing', async () => {
    await using stub = await startAwsStub(() => ({ body: [] }));
    expect(await operationsOn(stub).poll([])).toEqual([]);
    expect(stub.requests).toEqual([]);
  });

  it('secrets are asked of dispatch, and null is an answer', async () => {
    await using stub = await startAwsStub(({ body }) => ({
      body: body.operation === 'revealSecret' ? 'whsec_x' : null,
    }));
    const operations = operationsOn(stub);
    expect(await operations.revealSecret('wh_a' as WebhookId)).toBe('whsec_x');
    expect(await operations.testWebhook('wh_a' as WebhookId)).toBeNull();
    expect(new Set(stub.requests.map(({ path }) => path))).toEqual(
      new Set(['/2015-03-31/functions/stack-dispatch/invocations']),
    );
  });

  it('a function that fails is an error with its own message, not an answer', async () => {
    await using stub = await startAwsStub(() => ({
      headers: FAILED,
      body: { errorType: 'Error', errorMessage: 'the "store" is away', trace: [] },
    }));
    await expect(operationsOn(stub).baseline(idOf(1), { kind: 'now' })).rejects.toThrow(
      'The operation baseline failed in stack-poll: the \\"store\\" is away',
    );
  });

  it('a webhook is tested once: an invocation whose answer was lost is not made again', async () => {
    await using stub = await startAwsStub(() => ({ kind: 'reset' }));
    const operations = operationsOn(stub);
    await expect(operations.testWebhook('wh_a' as WebhookId)).rejects.toThrow();
    expect(stub.requests).toHaveLength(1);
    await expect(operations.revealSecret('wh_a' as WebhookId)).rejects.toThrow();
    expect(stub.requests).toHaveLength(3);
  });

  it('an outage of Lambda is an error', async () => {
    await using stub = await startAwsStub(() => ({ status: 429, code: 'TooManyRequestsException' }));
    await expect(operationsOn(stub).poll([idOf(1)])).rejects.toThrow('as the test wants it');
  });
});
