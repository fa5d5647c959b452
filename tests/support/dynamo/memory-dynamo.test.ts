import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  GetItemCommand,
  IdempotentParameterMismatchException,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryDynamo, type MemoryDynamo, type Spent } from './memory-dynamo.ts';

const TableName = 'table';
let dynamo: MemoryDynamo;
let spent: Spent[];
beforeEach(() => {
  spent = [];
  dynamo = createMemoryDynamo((one) => spent.push(one));
});

const key = (sk: string) => ({ pk: { S: 'p' }, sk: { S: sk } });
const put = (sk: string, bytes = 0) =>
  dynamo.client.send(new PutItemCommand({ TableName, Item: { ...key(sk), note: { S: 'x'.repeat(bytes) } } }));
const check = (sk: string) => ({
  ConditionCheck: { TableName, Key: key(sk), ConditionExpression: 'attribute_exists(pk)' },
});
const writeNote = (sk: string, text: string) => ({
  Put: { TableName, Item: { ...key(sk), note: { S: text } } },
});

describe('the stand-in for DynamoDB', () => {
  it('counts a write that was refused by the larger of what is there and what was offered', async () => {
    await put('a', 3_000);
    const small = { TableName, Item: key('a'), ConditionExpression: 'attribute_not_exists(pk)' };
    await expect(dynamo.client.send(new PutItemCommand(small))).rejects.toThrow(
      ConditionalCheckFailedException,
    );
    const large = { ...small, Item: { ...key('a'), note: { S: 'x'.repeat(5_000) } } };
    await expect(dynamo.client.send(new PutItemCommand(large))).rejects.toThrow(
      ConditionalCheckFailedException,
    );
    expect(spent.map(({ cost }) => cost.writeUnits)).toEqual([3, 3, 5]);
  });

  it('writes all of a transaction or nothing, and says which action was refused', async () => {
    const failed = dynamo.client.send(
      new TransactWriteItemsCommand({ TransactItems: [writeNote('a', 'x'), check('b')] }),
    );
    await expect(failed).rejects.toThrow(TransactionCanceledException);
    await expect(failed).rejects.toMatchObject({
      CancellationReasons: [{ Code: 'None' }, { Code: 'ConditionalCheckFailed' }],
    });
    expect([...dynamo.table.all()]).toEqual([]);
    expect(spent).toMatchObject([{ operation: 'TransactWriteItems', cost: { writeUnits: 4 } }]);
  });

  it('does a transaction once for each token', async () => {
    const request = { TransactItems: [writeNote('a', 'x')], ClientRequestToken: 'token' };
    await dynamo.client.send(new TransactWriteItemsCommand(request));
    await dynamo.client.send(new DeleteItemCommand({ TableName, Key: key('a') }));
    await dynamo.client.send(new TransactWriteItemsCommand(request));
    expect(dynamo.table.get(key('a'))).toBeNull();
    const other = { ...request, TransactItems: [writeNote('a', 'y')] };
    await expect(dynamo.client.send(new TransactWriteItemsCommand(other))).rejects.toThrow(
      IdempotentParameterMismatchException,
    );
  });

  it('ends a page at one megabyte and goes on from there', async () => {
    for (const sk of ['a', 'b', 'c', 'd']) await put(sk, 400_000);
    const asked = {
      TableName,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :p',
      ExpressionAttributeValues: { ':p': { S: 'p' } },
    };
    const first = await dynamo.client.send(new QueryCommand(asked));
    const start = first.LastEvaluatedKey;
    const second = await dynamo.client.send(
      new QueryCommand({ ...asked, ...(start && { ExclusiveStartKey: start }) }),
    );
    expect([first.Count, second.Count, second.LastEvaluatedKey]).toEqual([2, 2, undefined]);
    expect(spent.at(-1)?.cost.readUnits).toBe(Math.ceil((2 * 400_012) / 4_096));
  });

  it('gives what cannot be changed from outside', async () => {
    await put('a', 1);
    const { Item = {} } = await dynamo.client.send(new GetItemCommand({ TableName, Key: key('a') }));
    Item.note = { S: 'changed' };
    expect(dynamo.table.get(key('a'))?.note).toEqual({ S: 'x' });
  });

  it.each<[string, object]>([
    ['two writes of one item', { TransactItems: [writeNote('a', 'x'), check('a')] }],
    ['more than 100 actions', { TransactItems: Array.from({ length: 101 }, (_, at) => check(String(at))) }],
    ['no action', { TransactItems: [] }],
  ])('refuses a transaction with %s', async (_, input) => {
    const command = new TransactWriteItemsCommand(input as never);
    await expect(dynamo.client.send(command)).rejects.toMatchObject({ name: 'ValidationException' });
  });

  it.each<[string, ConstructorParameters<typeof UpdateItemCommand>[0]]>([
    [
      'a value that no expression names',
      {
        TableName,
        Key: key('a'),
        UpdateExpression: 'REMOVE note',
        ExpressionAttributeValues: { ':x': { S: '' } },
      },
    ],
    ['a value that is not there', { TableName, Key: key('a'), UpdateExpression: 'SET note = :x' }],
    ['a change of the key', { TableName, Key: key('a'), UpdateExpression: 'REMOVE sk' }],
    ['an empty key', { TableName, Key: key(''), UpdateExpression: 'REMOVE note' }],
    [
      'an index key that is a number',
      {
        TableName,
        Key: key('a'),
        UpdateExpression: 'SET gsi1sk = :x',
        ExpressionAttributeValues: { ':x': { N: '1' } },
      },
    ],
    [
      'an item of more than 400 KB',
      {
        TableName,
        Key: key('a'),
        UpdateExpression: 'SET note = :x',
        ExpressionAttributeValues: { ':x': { S: 'x'.repeat(409_600) } },
      },
    ],
  ])('refuses an update with %s', async (_, input) => {
    await expect(dynamo.client.send(new UpdateItemCommand(input))).rejects.toMatchObject({
      name: 'ValidationException',
    });
  });

  it('does not guess what it was not taught', async () => {
    await expect(dynamo.client.send(new ScanCommand({ TableName }))).rejects.toThrow(
      'does not know ScanCommand',
    );
    const update = { TableName, Key: key('a'), UpdateExpression: 'SET note = list_append(note, note)' };
    await expect(dynamo.client.send(new UpdateItemCommand(update))).rejects.toThrow('Cannot read');
  });
});
