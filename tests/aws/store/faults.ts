import {
  type DynamoDBClient,
  ProvisionedThroughputExceededException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';

/** A request as the middleware of the SDK sees it. */
export interface SeenRequest {
  /** `UpdateItem`, `Query`, … */
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Which requests a fault is about. */
type Matches = (request: SeenRequest) => boolean;

/** Requests of one operation. */
export function ofKind(operation: string): Matches {
  return (request) => request.operation === operation;
}

/** Queries of an index. */
export const ofIndex: Matches = ({ operation, input }) =>
  operation === 'Query' && input.IndexName !== undefined;

type Answer = (args: { input: object }) => Promise<{ output: object; response: unknown }>;

let added = 0;

/** Puts a step between the store and DynamoDB; `each` sees every try of a request, also those that the SDK makes itself. */
function intercept(
  client: DynamoDBClient,
  step: 'initialize' | 'deserialize',
  handle: (request: SeenRequest, next: () => ReturnType<Answer>) => ReturnType<Answer>,
): void {
  added += 1;
  const middleware = (next: unknown, context: { commandName?: string }) => (args: { input: object }) => {
    const operation = (context.commandName ?? '').replace(/Command$/, '');
    const input = args.input as SeenRequest['input'];
    return handle({ operation, input }, () => (next as Answer)(args));
  };
  // The SDK's own types of middleware tell its steps apart, which makes no difference here.
  client.middlewareStack.add(middleware as never, { step: step as never, name: `fault-${added}` });
}

/** The next so many matching requests are done, and their answers are lost: the SDK sends them again. */
export function loseAnswers(client: DynamoDBClient, matches: Matches, times = 1): { readonly left: number } {
  const fault = { left: times };
  intercept(client, 'deserialize', async (request, next) => {
    const answer = await next();
    if (fault.left === 0 || !matches(request)) return answer;
    fault.left -= 1;
    throw Object.assign(new Error('The answer was lost'), { name: 'TimeoutError' });
  });
  return fault;
}

/** The next so many matching requests are refused: by a throttled table, or because others hold the items. */
export function refuse(
  client: DynamoDBClient,
  matches: Matches,
  how: 'throttled' | 'in-conflict' | 'throttled-in-transaction',
  times: number,
): { readonly left: number } {
  const fault = { left: times };
  intercept(client, 'initialize', async (request, next) => {
    if (fault.left === 0 || !matches(request)) return await next();
    fault.left -= 1;
    throw refusal(how);
  });
  return fault;
}

function refusal(how: 'throttled' | 'in-conflict' | 'throttled-in-transaction'): Error {
  const metadata = { $metadata: {}, message: how };
  if (how === 'throttled') return new ProvisionedThroughputExceededException(metadata);
  const Code = how === 'in-conflict' ? 'TransactionConflict' : 'ThrottlingError';
  return new TransactionCanceledException({ ...metadata, CancellationReasons: [{ Code: 'None' }, { Code }] });
}

/** Every matching request is answered so instead, while `active`. */
export function answerInstead(
  client: DynamoDBClient,
  matches: Matches,
  answer: (request: SeenRequest, real: object) => object,
): { active: boolean } {
  const fault = { active: true };
  intercept(client, 'initialize', async (request, next) => {
    const real = await next();
    if (!fault.active || !matches(request)) return real;
    return { ...real, output: answer(request, real.output) };
  });
  return fault;
}

/** No matching request gets through while `active`: the process has ended, as far as the table can tell. */
export function stop(client: DynamoDBClient, matches: Matches): { active: boolean } {
  const fault = { active: true };
  intercept(client, 'initialize', async (request, next) => {
    if (fault.active && matches(request)) throw new Error('The process was ended');
    return await next();
  });
  return fault;
}

/** Something happens just before the next matching request. */
export function beforeNext(client: DynamoDBClient, matches: Matches, act: () => Promise<void>): void {
  let done = false;
  intercept(client, 'initialize', async (request, next) => {
    if (!done && matches(request)) {
      done = true;
      await act();
    }
    return await next();
  });
}

/** Notes every request with what it cost. */
export function watch(client: DynamoDBClient): Spent[] {
  const spent: Spent[] = [];
  intercept(client, 'initialize', async (request, next) => {
    Object.assign(request.input, { ReturnConsumedCapacity: 'INDEXES' });
    const answer = await next();
    const consumed = (answer.output as { ConsumedCapacity?: Consumed | Consumed[] }).ConsumedCapacity ?? [];
    const units = [consumed].flat().reduce((sum, one) => sum + (one.CapacityUnits ?? 0), 0);
    spent.push({ ...request, units });
    return answer;
  });
  return spent;
}

/** A request that was made, and the capacity units that it took, of the table and its indexes. */
export interface Spent extends SeenRequest {
  readonly units: number;
}

interface Consumed {
  readonly CapacityUnits?: number;
}
