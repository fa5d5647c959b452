import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { Operations, PollReport } from '../operations.ts';
import type { DispatchInvocation, PollInvocation } from './invocation.ts';

/** Accounts of one invocation: the poll function polls so many at once, and a first poll may take most of its time. */
const ACCOUNTS_PER_INVOCATION = 5;
/** Invocations that a poll of many accounts has under way at once, so that the scheduled ones keep their share. */
const INVOCATIONS_AT_ONCE = 10;
const MAX_REASON_CHARS = 300;

interface InvokeOperationsOptions {
  /** Must wait for an answer for as long as the functions may run. */
  readonly client: LambdaClient;
  /** The same without a second try, for a test of a webhook: its receiver is to get one request, or an error is told. */
  readonly clientOnce: LambdaClient;
  readonly pollFunction: string;
  readonly dispatchFunction: string;
}

/** The operations that need secrets, by invoking the functions that may open them. Each throws when its function fails. */
export function createInvokeOperations(options: InvokeOperationsOptions): Operations {
  const { client, clientOnce, pollFunction, dispatchFunction } = options;

  async function invoke(
    name: string,
    payload: PollInvocation | DispatchInvocation,
    sender = client,
  ): Promise<unknown> {
    const answer = await sender.send(
      new InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(payload), 'utf8') }),
    );
    const text = answer.Payload?.transformToString() ?? '';
    if (answer.FunctionError !== undefined) {
      throw new Error(`The operation ${payload.operation} failed in ${name}: ${reasonOf(text)}`);
    }
    return JSON.parse(text) as unknown;
  }
  // Both ends are of one deployment, so the answers have the types that the operations give.
  const askPoll = <Answer>(payload: PollInvocation) => invoke(pollFunction, payload) as Promise<Answer>;
  const askDispatch = <Answer>(payload: DispatchInvocation, sender = client) =>
    invoke(dispatchFunction, payload, sender) as Promise<Answer>;

  return {
    testAccount: (account) => askPoll({ operation: 'testAccount', account }),
    baseline: (id, start) => askPoll({ operation: 'baseline', id, start }),
    async poll(ids) {
      const parts = chunks(ids, ACCOUNTS_PER_INVOCATION);
      const reports: (readonly PollReport[])[] = [];
      const waiting = parts.entries();
      const worker = async () => {
        for (const [index, some] of waiting) reports[index] = await askPoll({ operation: 'poll', ids: some });
      };
      await Promise.all(Array.from({ length: INVOCATIONS_AT_ONCE }, worker));
      return reports.flat();
    },
    testWebhook: (id) => askDispatch({ operation: 'testWebhook', id }, clientOnce),
    revealSecret: (id) => askDispatch({ operation: 'revealSecret', id }),
  };
}

function chunks<Item>(items: readonly Item[], size: number): (readonly Item[])[] {
  const parts: (readonly Item[])[] = [];
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size));
  return parts;
}

/** The message of the error as Lambda gives it: `{"errorType":…,"errorMessage":…}`. */
function reasonOf(text: string): string {
  const message = /"errorMessage":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? 'no reason given';
  return message.slice(0, MAX_REASON_CHARS);
}
