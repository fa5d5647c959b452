import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import { groupsOf, mapAtOnce } from './at-once.ts';
import type { Key } from './keys.ts';
import { attribute, attributes, type Item, type Value } from './marshal.ts';
import { persist } from './retry.ts';
import { LIST_INDEX, WORK_INDEX } from './table.ts';

/** The table and what it takes to talk to it. */
export interface Table {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** Waits so many milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
  /** A number from 0, included, to 1, excluded. */
  readonly random: () => number;
  /** A text that was never used before. */
  readonly newToken: () => string;
}

/** What one batch request takes. */
const KEYS_PER_READ = 100;
const KEYS_PER_DELETE = 25;
/** Batch requests under way at once for one call. */
const BATCHES_AT_ONCE = 4;

/** Which items of one partition to read, of the table or of an index, in the order of the sort key. */
export interface Range {
  readonly index?: 'work' | 'lists';
  readonly partition: string;
  /** Both included. @default the whole partition */
  readonly range?: { readonly first: string; readonly last: string };
  /** @default false */
  readonly descending?: boolean;
  /** Items looked at in one request. @default as many as a request takes */
  readonly pageSize?: number;
  /** Only items for which it holds; others cost as much to read. */
  readonly filter?: { readonly condition: string; readonly values: Readonly<Record<string, Value>> };
  /** Read only these attributes. @default all */
  readonly only?: readonly string[];
}

/** One item; null when there is none. Strongly consistent, as every read of the table itself. */
export async function getItem(table: Table, key: Key, only?: readonly string[]): Promise<Item | null> {
  const command = new GetItemCommand({
    TableName: table.tableName,
    Key: attributes({ ...key }),
    ConsistentRead: true,
    ...(only && { ProjectionExpression: only.join(', ') }),
  });
  const answer = await persist(table, 'read an item', () => table.client.send(command));
  return answer.Item ?? null;
}

/** Many items, whose order does not matter; what is not there is null. Keys that the table left out are asked for again. */
export async function getItems(
  table: Table,
  keys: readonly Key[],
  only?: readonly string[],
): Promise<(key: Key) => Item | null> {
  const found = new Map<string, Item>();
  await mapAtOnce(groupsOf(distinctKeys(keys), KEYS_PER_READ), BATCHES_AT_ONCE, async (group) => {
    let left: readonly Record<string, AttributeValue>[] = group.map((key) => attributes({ ...key }));
    await persist(table, 'read items', async () => {
      const request = {
        Keys: [...left],
        ConsistentRead: true,
        ...(only && { ProjectionExpression: ['pk', 'sk', ...only].join(', ') }),
      };
      const answer = await table.client.send(
        new BatchGetItemCommand({ RequestItems: { [table.tableName]: request } }),
      );
      for (const item of answer.Responses?.[table.tableName] ?? []) found.set(idOf(keyOf(item)), item);
      left = answer.UnprocessedKeys?.[table.tableName]?.Keys ?? [];
      return left.length === 0 ? true : null;
    });
  });
  return (key) => found.get(idOf(key)) ?? null;
}

/** The items of a range, request by request as they are asked for. An index lags behind the table. */
export async function* query(table: Table, range: Range): AsyncGenerator<Item> {
  for await (const page of queryAnswers(table, range)) yield* page.items;
}

/** The first items of a range, at most so many; reading ends with them. */
export async function firstItems(
  table: Table,
  range: Range,
  most = Number.POSITIVE_INFINITY,
): Promise<Item[]> {
  const items: Item[] = [];
  if (most < 1) return items;
  for await (const item of query(table, range)) {
    items.push(item);
    if (items.length >= most) break;
  }
  return items;
}

/** How many items a range has, and whether that is all: it is given up after so many requests. */
export async function countItems(
  table: Table,
  range: Range,
  maxRequests: number,
): Promise<{ readonly count: number; readonly complete: boolean }> {
  let count = 0;
  let requests = 0;
  for await (const page of queryPages(table, { ...queryOf(table, range), Select: 'COUNT' })) {
    count += page.count;
    requests += 1;
    if (requests >= maxRequests && page.lookedAt !== null) return { count, complete: false };
  }
  return { count, complete: true };
}

/** One answer to a query: its items, and the place up to which it looked; null when that was the end of the range. */
interface ItemPage {
  readonly items: readonly Item[];
  readonly count: number;
  readonly lookedAt: Item | null;
}

/** The same as `query`, answer by answer. */
export async function* queryAnswers(table: Table, asked: Range): AsyncGenerator<ItemPage> {
  // DynamoDB refuses a range that ends before it begins; there is nothing in it.
  if (asked.range !== undefined && asked.range.first > asked.range.last) return;
  yield* queryPages(table, queryOf(table, asked));
}

async function* queryPages(table: Table, input: QueryCommandInput): AsyncGenerator<ItemPage> {
  let start: Record<string, AttributeValue> | undefined;
  do {
    const command = new QueryCommand({ ...input, ...(start && { ExclusiveStartKey: start }) });
    const answer = await persist(table, 'read a range', () => table.client.send(command));
    start = answer.LastEvaluatedKey;
    yield { items: answer.Items ?? [], count: answer.Count ?? 0, lookedAt: start ?? null };
  } while (start !== undefined);
}

function queryOf(table: Table, asked: Range): QueryCommandInput {
  const index = asked.index && (asked.index === 'work' ? WORK_INDEX : LIST_INDEX);
  const [partition, sort] = index ? [index.partition, index.sort] : ['pk', 'sk'];
  const { range, filter } = asked;
  return {
    TableName: table.tableName,
    ...(index ? { IndexName: index.name } : { ConsistentRead: true }),
    KeyConditionExpression: `${partition} = :partition${range ? ` AND ${sort} BETWEEN :first AND :last` : ''}`,
    ExpressionAttributeValues: {
      ':partition': attribute(asked.partition),
      ...(range && { ':first': attribute(range.first), ':last': attribute(range.last) }),
      ...(filter && attributes(filter.values)),
    },
    ScanIndexForward: asked.descending !== true,
    ...(filter && { FilterExpression: filter.condition }),
    ...(asked.pageSize !== undefined && { Limit: asked.pageSize }),
    ...(asked.only && { ProjectionExpression: asked.only.join(', ') }),
  };
}

/** Deletes items, whether they are there or not; what the table left out is sent again. */
export async function deleteItems(table: Table, keys: readonly Key[]): Promise<void> {
  await mapAtOnce(groupsOf(distinctKeys(keys), KEYS_PER_DELETE), BATCHES_AT_ONCE, async (group) => {
    let left = group.map((key) => ({ DeleteRequest: { Key: attributes({ ...key }) } }));
    await persist(table, 'delete items', async () => {
      const answer = await table.client.send(
        new BatchWriteItemCommand({ RequestItems: { [table.tableName]: left } }),
      );
      left = (answer.UnprocessedItems?.[table.tableName] ?? []).flatMap(({ DeleteRequest: one }) =>
        one?.Key === undefined ? [] : [{ DeleteRequest: { Key: one.Key } }],
      );
      return left.length === 0 ? true : null;
    });
  });
}

/** The key of an item, also of one from an index. */
export function keyOf(item: Item): Key {
  return { pk: item.pk?.S ?? '', sk: item.sk?.S ?? '' };
}

/** A batch that names an item twice is refused. */
function distinctKeys(keys: readonly Key[]): Key[] {
  return [...new Map(keys.map((key) => [idOf(key), key])).values()];
}

/** A text that tells keys apart. */
export function idOf({ pk, sk }: Key): string {
  return `${pk}\0${sk}`;
}
