import type {
  BatchGetItemCommandInput,
  BatchGetItemCommandOutput,
  GetItemCommandInput,
  QueryCommandInput,
  QueryCommandOutput,
} from '@aws-sdk/client-dynamodb';
import type { IndexShape } from '../../../shared/aws/store/table.ts';
import { compareTexts } from './attribute-order.ts';
import { type Cost, readCost, sumCosts } from './capacity.ts';
import { readCondition, type Values } from './condition.ts';
import { type Item, itemSize } from './item-size.ts';
import { INDEXES, keyOf, type MemoryTable, placeOf } from './memory-table.ts';
import { checkValues } from './request-checks.ts';
import { validationError } from './validation-error.ts';

/** What a request answers, and what it costs. */
export interface Answered<Output> {
  readonly output: Output;
  readonly cost: Cost;
}

/** What one answer holds at most, before its filter. */
const MAX_PAGE_BYTES = 1_048_576;
const MAX_BATCH_KEYS = 100;
const META = { $metadata: {} };

export function getItem(table: MemoryTable, input: GetItemCommandInput): Answered<{ Item?: Item }> {
  const item = table.get(input.Key ?? {});
  const cost = readCost(item === null ? 0 : itemSize(item), input.ConsistentRead === true);
  if (item === null) return { output: {}, cost };
  return { output: { Item: projected(item, input.ProjectionExpression) }, cost };
}

export function batchGetItem(
  table: MemoryTable,
  input: BatchGetItemCommandInput,
): Answered<BatchGetItemCommandOutput> {
  const responses: Record<string, Record<string, Item[string]>[]> = {};
  const costs: Cost[] = [];
  for (const [name, request] of Object.entries(input.RequestItems ?? {})) {
    const keys = request.Keys ?? [];
    const distinct = new Set(keys.map((key) => JSON.stringify(keyOf(key))));
    if (keys.length === 0 || keys.length > MAX_BATCH_KEYS) throw validationError('Too many items requested');
    if (distinct.size < keys.length) throw validationError('Provided list of item keys contains duplicates');
    const found: Record<string, Item[string]>[] = [];
    for (const key of keys) {
      const { output, cost } = getItem(table, { ...request, TableName: name, Key: key });
      if (output.Item !== undefined) found.push(output.Item);
      costs.push(cost);
    }
    responses[name] = found;
  }
  const output: BatchGetItemCommandOutput = { ...META, Responses: responses, UnprocessedKeys: {} };
  return { output, cost: sumCosts(costs) };
}

export function query(table: MemoryTable, input: QueryCommandInput): Answered<QueryCommandOutput> {
  const index = indexOf(input.IndexName);
  const values: Values = input.ExpressionAttributeValues ?? {};
  const asked = readKeyCondition(index, input.KeyConditionExpression ?? '', values);
  const filter = input.FilterExpression === undefined ? null : readCondition(input.FilterExpression);
  checkValues(values, [asked.placeholders, filter?.placeholders]);
  const after = input.ExclusiveStartKey === undefined ? null : placeOf(index, input.ExclusiveStartKey);
  const descending = input.ScanIndexForward === false;
  const range = table.partition(index, asked.partition)?.range(asked, { after, descending }) ?? [];
  const { looked, bytes, more } = page(range, input.Limit ?? Number.POSITIVE_INFINITY);
  const items = filter === null ? looked : looked.filter((item) => filter.holds(item, values));
  const last = looked.at(-1);
  const output: QueryCommandOutput = {
    ...META,
    Count: items.length,
    ScannedCount: looked.length,
    ...(input.Select !== 'COUNT' && {
      Items: items.map((item) => projected(item, input.ProjectionExpression)),
    }),
    ...(more && last !== undefined && { LastEvaluatedKey: startKey(index, last) }),
  };
  if (index !== null && input.ConsistentRead)
    throw validationError('Consistent reads are not supported on indexes');
  return { output, cost: readCost(bytes, input.ConsistentRead === true) };
}

/** The items of one answer. A page that is full says that there may be more, whether there is or not. */
function page(range: Iterable<Item>, limit: number): { looked: Item[]; bytes: number; more: boolean } {
  const looked: Item[] = [];
  let bytes = 0;
  for (const item of range) {
    const size = itemSize(item);
    if (looked.length > 0 && bytes + size > MAX_PAGE_BYTES) return { looked, bytes, more: true };
    looked.push(item);
    bytes += size;
    if (looked.length >= limit || bytes >= MAX_PAGE_BYTES) return { looked, bytes, more: true };
  }
  return { looked, bytes, more: false };
}

const KEY_CONDITION = /^(\w+) = (:\w+)(?: AND (\w+) BETWEEN (:\w+) AND (:\w+))?$/;

/** The one form of key condition that the store uses. */
function readKeyCondition(index: IndexShape | null, text: string, values: Values) {
  const [, partition, value = '', sort, first, last] = KEY_CONDITION.exec(text) ?? [];
  const isKey =
    partition === (index?.partition ?? 'pk') && (sort ?? index?.sort ?? 'sk') === (index?.sort ?? 'sk');
  const key = values[value]?.S;
  if (!isKey || key === undefined)
    throw validationError(`Query condition missed key schema element: ${text}`);
  const bound = (name: string | undefined) => (name === undefined ? null : (values[name]?.S ?? null));
  const range = { first: bound(first), last: bound(last) };
  if (range.first !== null && range.last !== null && compareTexts(range.first, range.last) > 0) {
    throw validationError(
      'The BETWEEN operator requires upper bound to be greater than or equal to lower bound',
    );
  }
  const placeholders = new Set([value, first, last].filter((name) => name !== undefined));
  return { partition: key, ...range, placeholders };
}

function indexOf(name: string | undefined): IndexShape | null {
  if (name === undefined) return null;
  const index = INDEXES.find((one) => one.name === name);
  if (index === undefined) throw validationError(`The table does not have the specified index: ${name}`);
  return index;
}

function startKey(index: IndexShape | null, item: Item): Record<string, Item[string]> {
  const names = ['pk', 'sk', ...(index === null ? [] : [index.partition, index.sort])];
  return projected(item, names.join(', '));
}

function projected(item: Item, projection: string | undefined): Record<string, Item[string]> {
  if (projection === undefined) return { ...item };
  const names = projection.split(',').map((name) => name.trim());
  return Object.fromEntries(Object.entries(item).filter(([name]) => names.includes(name)));
}
