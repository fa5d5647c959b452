import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';

type Attributes = Record<string, AttributeValue>;

/** Few keys, so that the writes of a run meet. */
const key = fc.record({
  pk: fc.constantFrom('A#1', 'A#2', 'E#1').map((S) => ({ S })),
  sk: fc.constantFrom('META', 'C#INBOX', 'C#Ä', 'C#\ud83d\ude00', 'C#\uffe5', 'W#1').map((S) => ({ S })),
});

const text = fc.oneof(
  fc.constantFrom('', 'a', 'b', 'ü', '2026-11-25T08:00:00.000Z'),
  fc.integer({ min: 900, max: 5_000 }).map((length) => 'x'.repeat(length)),
);
const number = fc.constantFrom(
  '0',
  '1',
  '-1',
  '7',
  '10',
  '100',
  '12345',
  '0.5',
  '1500',
  '-20',
  '1732521600000',
);
const value: fc.Arbitrary<AttributeValue> = fc.oneof(
  text.map((S) => ({ S })),
  number.map((N) => ({ N })),
  fc.uint8Array({ maxLength: 40 }).map((B) => ({ B })),
);

const attributes: fc.Arbitrary<Attributes> = fc.record(
  {
    gsi1pk: fc.constantFrom('due#0', 'wheel#0#5').map((S) => ({ S })),
    gsi1sk: fc.constantFrom('0001#a', '0002#b').map((S) => ({ S })),
    gsi2pk: fc.constant({ S: 'H#1#parked' }),
    gsi2sk: fc.constantFrom('2026#a', '2026#b').map((S) => ({ S })),
    itemState: text.map((S) => ({ S })),
    host: fc.constantFrom('h1', 'h2').map((S) => ({ S })),
    attempts: number.map((N) => ({ N })),
    note: value,
  },
  { requiredKeys: [] },
);

const item = fc.tuple(key, attributes).map(([place, rest]) => ({ ...rest, ...place }));

/** A condition with the values that it names. */
const condition = fc.constantFrom<{ text: string; values: Attributes }>(
  { text: 'attribute_not_exists(pk)', values: {} },
  { text: 'attribute_exists(pk)', values: {} },
  { text: 'itemState = :c', values: { ':c': { S: 'a' } } },
  { text: 'itemState <> :c', values: { ':c': { S: 'a' } } },
  { text: 'attribute_not_exists(note) OR note < :c', values: { ':c': { S: 'b' } } },
  {
    text: 'attribute_exists(pk) AND (attempts >= :c OR NOT attribute_exists(host))',
    values: { ':c': { N: '7' } },
  },
  { text: 'attempts BETWEEN :c AND :d', values: { ':c': { N: '0' }, ':d': { N: '10' } } },
  { text: 'host IN (:c, :d)', values: { ':c': { S: 'h1' }, ':d': { S: 'x' } } },
  { text: 'begins_with(itemState, :c)', values: { ':c': { S: 'a' } } },
  { text: 'attribute_exists(note) AND attribute_exists(attempts) AND note = attempts', values: {} },
);

const update = fc.constantFrom<{ text: string; values: Attributes }>(
  { text: 'SET itemState = :v', values: { ':v': { S: 'b' } } },
  { text: 'SET attempts = :n ADD openCount :n REMOVE note', values: { ':n': { N: '3' } } },
  { text: 'REMOVE gsi1pk, gsi1sk', values: {} },
  { text: 'SET gsi1pk = :p, gsi1sk = :s', values: { ':p': { S: 'due#0' }, ':s': { S: '0003#c' } } },
  { text: 'SET gsi1sk = if_not_exists(gsi1sk, :s)', values: { ':s': { S: '0004#d' } } },
  { text: 'SET openCount = if_not_exists(openCount, :n) + :n', values: { ':n': { N: '2' } } },
  {
    text: 'SET openCount = if_not_exists(openCount, :n) - :m',
    values: { ':n': { N: '2' }, ':m': { N: '1.5' } },
  },
  { text: 'SET note = if_not_exists(itemState, :v), itemState = :v', values: { ':v': { S: 'swapped' } } },
  { text: 'ADD openCount :n', values: { ':n': { N: '-4' } } },
);

function named(
  tableName: string,
  expressions: {
    condition?: { text: string; values: Attributes } | null;
    update?: { text: string; values: Attributes };
  },
) {
  const values = { ...expressions.condition?.values, ...expressions.update?.values };
  return {
    TableName: tableName,
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
    ...(expressions.update && { UpdateExpression: expressions.update.text }),
    ...(expressions.condition && {
      ConditionExpression: expressions.condition.text,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    }),
  };
}

/** Commands of every kind that the store sends, on few items of one table. */
export function randomCommands(tableName: string) {
  const maybe = fc.option(condition);
  const action: fc.Arbitrary<TransactWriteItem> = fc.oneof(
    fc.tuple(item, maybe).map(([Item, c]) => ({ Put: { ...named(tableName, { condition: c }), Item } })),
    fc.tuple(key, maybe, update).map(([Key, c, u]) => {
      const { UpdateExpression = '', ...rest } = named(tableName, { condition: c, update: u });
      return { Update: { ...rest, UpdateExpression, Key } };
    }),
    fc.tuple(key, maybe).map(([Key, c]) => ({ Delete: { ...named(tableName, { condition: c }), Key } })),
    fc.tuple(key, condition).map(([Key, c]) => {
      const { ConditionExpression = '', ...rest } = named(tableName, { condition: c });
      return { ConditionCheck: { ...rest, ConditionExpression, Key } };
    }),
  );
  return fc.oneof(
    fc
      .tuple(item, maybe)
      .map(([Item, c]) => new PutItemCommand({ ...named(tableName, { condition: c }), Item })),
    fc.tuple(key, maybe, update).map(
      ([Key, c, u]) =>
        new UpdateItemCommand({
          ...named(tableName, { condition: c, update: u }),
          Key,
          ReturnValues: 'ALL_NEW',
        }),
    ),
    fc
      .tuple(key, maybe)
      .map(([Key, c]) => new DeleteItemCommand({ ...named(tableName, { condition: c }), Key })),
    fc
      .array(action, { minLength: 1, maxLength: 5 })
      .map((TransactItems) => new TransactWriteItemsCommand({ TransactItems })),
    fc
      .tuple(key, fc.boolean())
      .map(([Key, ConsistentRead]) => new GetItemCommand({ TableName: tableName, Key, ConsistentRead })),
    fc.array(key, { minLength: 1, maxLength: 4 }).map(
      (Keys) =>
        new BatchGetItemCommand({
          RequestItems: { [tableName]: { Keys, ConsistentRead: true, ProjectionExpression: 'pk, sk, note' } },
        }),
    ),
    fc.array(key, { minLength: 1, maxLength: 4 }).map(
      (keys) =>
        new BatchWriteItemCommand({
          RequestItems: { [tableName]: keys.map((Key) => ({ DeleteRequest: { Key } })) },
        }),
    ),
    queries(tableName),
  );
}

function queries(tableName: string): fc.Arbitrary<QueryCommand> {
  const place = fc.constantFrom(
    { names: ['pk', 'sk'], partitions: ['A#1', 'A#2', 'E#1'], index: null },
    { names: ['gsi1pk', 'gsi1sk'], partitions: ['due#0', 'wheel#0#5'], index: 'GSI1' },
    { names: ['gsi2pk', 'gsi2sk'], partitions: ['H#1#parked'], index: 'GSI2' },
  );
  const shape = fc.record({
    partition: fc.nat(2),
    bounds: fc.constantFrom(null, ['0', '0002#z'], ['C#', 'C#~'], ['C#\uffe5', 'W#~']),
    descending: fc.boolean(),
    limit: fc.option(fc.integer({ min: 1, max: 3 })),
    count: fc.boolean(),
    filter: fc.option(condition),
  });
  return fc.tuple(place, shape).map(([{ names, partitions, index }, asked]) => {
    const { bounds, limit } = asked;
    const [partition, sort] = names;
    const filter =
      asked.filter !== null && mayFilter(asked.filter.text, index !== null) ? asked.filter : null;
    return new QueryCommand({
      TableName: tableName,
      ...(index === null ? { ConsistentRead: true } : { IndexName: index }),
      KeyConditionExpression: `${partition} = :k${bounds ? ` AND ${sort} BETWEEN :first AND :last` : ''}`,
      ExpressionAttributeValues: {
        ':k': { S: partitions[asked.partition % partitions.length] ?? '' },
        ...(bounds && { ':first': { S: bounds[0] ?? '' }, ':last': { S: bounds[1] ?? '' } }),
        ...filter?.values,
      },
      ScanIndexForward: !asked.descending,
      ...(filter && { FilterExpression: filter.text }),
      ...(limit !== null && { Limit: limit }),
      ...(asked.count && { Select: 'COUNT' as const }),
    });
  });
}

/** No filter may name a key, and the local AWS would let one of an index look at what the index does not hold. */
function mayFilter(text: string, isIndex: boolean): boolean {
  return !/\bpk\b/.test(text) && !(isIndex && /note|attempts/.test(text));
}
