import { isDeepStrictEqual } from 'node:util';
import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import { clientThat, createMemoryDynamo, type Sendable, type Spent } from './memory-dynamo.ts';

/** One request to which the stand-in and the real one did not answer the same. */
interface Difference {
  readonly operation: string;
  readonly input: unknown;
  readonly standIn: unknown;
  readonly real: unknown;
}

/** What the real one says of the units that it spent. */
interface RealCapacity {
  readonly CapacityUnits: number;
  readonly GlobalSecondaryIndexes?: Readonly<Record<string, { readonly CapacityUnits: number }>>;
}

/**
 * A client that sends every request to a real DynamoDB and to the stand-in, one request after the other, and keeps what differs:
 * answers, errors with the items in them, and the capacity units of writes. It answers as the real one does.
 */
export function createMirror(real: DynamoDBClient): { client: DynamoDBClient; differences: Difference[] } {
  let spent: Spent | null = null;
  const memory = createMemoryDynamo((last) => {
    spent = last;
  });
  const differences: Difference[] = [];
  const run = async (command: Sendable): Promise<unknown> => {
    Object.assign(command.input, { ReturnConsumedCapacity: 'INDEXES' });
    const operation = command.constructor.name;
    const settled = await settle(real, command);
    const compared = { standIn: answerOf(await settle(memory.client, command)), real: answerOf(settled) };
    const units = { standIn: spent && unitsOf(spent), real: realUnits(operation, settled) };
    if (!isDeepStrictEqual(compared.standIn, compared.real)) {
      differences.push({ operation, input: command.input, ...compared });
    } else if (units.real !== null && !isDeepStrictEqual(units.standIn, units.real)) {
      differences.push({ operation, input: command.input, ...units });
    }
    if (settled.status === 'rejected') throw settled.reason;
    return settled.value;
  };
  let last: Promise<unknown> = Promise.resolve();
  const send = (command: Sendable): Promise<unknown> => {
    const next = last.then(() => run(command));
    last = next.catch(() => undefined);
    return next;
  };
  return { client: clientThat(send), differences };
}

async function settle(client: DynamoDBClient, command: Sendable): Promise<PromiseSettledResult<unknown>> {
  const send = client.send.bind(client) as (command: Sendable) => Promise<unknown>;
  const [settled] = await Promise.allSettled([send(command)]);
  return settled;
}

function answerOf(settled: PromiseSettledResult<unknown>): unknown {
  if (settled.status === 'rejected') return refusalOf(settled.reason);
  const { $metadata, ConsumedCapacity, ...answer } = settled.value as Record<string, unknown>;
  return comparable(answer);
}

function refusalOf(error: unknown): unknown {
  if (error instanceof ConditionalCheckFailedException) {
    return comparable({ name: error.name, item: error.Item ?? null });
  }
  if (error instanceof TransactionCanceledException) {
    const reasons = (error.CancellationReasons ?? []).map(({ Code, Item }) => ({ Code, item: Item ?? null }));
    return comparable({ name: error.name, reasons });
  }
  return { name: error instanceof Error ? error.name : String(error) };
}

/** Without what is undefined, bytes as text, names in order, and items of a batch in no order. */
function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .filter(([, part]) => part !== undefined)
    .map(([name, part]) => [name, name === 'Responses' ? unordered(part) : comparable(part)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries);
}

function unordered(responses: unknown): unknown {
  const tables = Object.entries(responses as Record<string, unknown[]>);
  return tables.map(([name, items]) => [name, items.map((item) => JSON.stringify(comparable(item))).sort()]);
}

/**
 * The units of a write, by where they are spent; null for what was refused, of which the real one says nothing, and for reads, which
 * a local AWS does not count by their size.
 */
function realUnits(operation: string, settled: PromiseSettledResult<unknown>): unknown {
  if (settled.status === 'rejected' || !/Put|Update|Delete|Write/.test(operation)) return null;
  const { ConsumedCapacity: consumed } = settled.value as { ConsumedCapacity?: unknown };
  const [capacity] = [consumed].flat() as (RealCapacity | undefined)[];
  if (capacity === undefined) return null;
  const indexes = Object.entries(capacity.GlobalSecondaryIndexes ?? {}).map(
    ([name, { CapacityUnits: units }]) => [name, units] as const,
  );
  const indexUnits = indexes.reduce((sum, [, units]) => sum + units, 0);
  return { table: capacity.CapacityUnits - indexUnits, indexes: Object.fromEntries(indexes.sort()) };
}

function unitsOf({ cost }: Spent): unknown {
  const indexes = Object.entries(cost.indexWriteUnits).sort();
  return { table: cost.writeUnits, indexes: Object.fromEntries(indexes) };
}
