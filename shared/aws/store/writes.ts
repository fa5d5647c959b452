import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  PutItemCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Key } from './keys.ts';
import { attributes, type Item, type Value } from './marshal.ts';
import { keyOf, type Table } from './requests.ts';
import { isPassingReason, persist } from './retry.ts';

type Values = Readonly<Record<string, Value>>;

/** A change of one item, alone or in a transaction. The values are those that its expressions name. */
export type Write =
  | { readonly kind: 'put'; readonly item: Item; readonly condition?: string; readonly values?: Values }
  | {
      readonly kind: 'update';
      readonly key: Key;
      readonly update: string;
      readonly condition?: string;
      readonly values?: Values;
    }
  | { readonly kind: 'delete'; readonly key: Key; readonly condition?: string; readonly values?: Values }
  /** Changes nothing; only in a transaction. */
  | { readonly kind: 'check'; readonly key: Key; readonly condition: string; readonly values?: Values };

/** The item as it is now after a write; as it was, when the condition did not hold (null when it was not there). */
export type Written =
  | { readonly ok: true; readonly item: Item }
  | { readonly ok: false; readonly item: Item | null };

/** A write of a transaction whose condition did not hold, and the item that was found. */
export interface Refusal {
  readonly index: number;
  readonly item: Item | null;
}

/** The most actions of a transaction, and less than the bytes of one: its 4 MB count more than the items. */
export const MAX_ACTIONS = 100;
export const MAX_TRANSACTION_BYTES = 3_000_000;

/**
 * Updates one item. When the condition does not hold, the item comes with the refusal, which saves reading it. Beware: an
 * answer that was lost makes the client send it again, and then it meets its own change.
 */
export async function update(
  table: Table,
  { key, update: expression, condition, values = {} }: Omit<Extract<Write, { kind: 'update' }>, 'kind'>,
): Promise<Written> {
  const command = new UpdateItemCommand({
    TableName: table.tableName,
    Key: attributes({ ...key }),
    UpdateExpression: expression,
    ...expressions(condition, values),
    ReturnValues: 'ALL_NEW',
  });
  return await refusable(table, async () => (await table.client.send(command)).Attributes ?? {});
}

/** Writes one item whole. */
export async function put(table: Table, item: Item, condition?: string, values?: Values): Promise<Written> {
  const command = new PutItemCommand({
    TableName: table.tableName,
    Item: { ...item },
    ...expressions(condition, values),
  });
  return await refusable(table, async () => {
    await table.client.send(command);
    return item;
  });
}

/** Deletes one item, whether it is there or not. */
export async function remove(table: Table, key: Key, condition?: string, values?: Values): Promise<Written> {
  const command = new DeleteItemCommand({
    TableName: table.tableName,
    Key: attributes({ ...key }),
    ...expressions(condition, values),
  });
  return await refusable(table, async () => {
    await table.client.send(command);
    return {};
  });
}

async function refusable(table: Table, send: () => Promise<Item>): Promise<Written> {
  return await persist<Written>(table, 'write an item', async () => {
    try {
      return { ok: true, item: await send() };
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return { ok: false, item: error.Item ?? null };
      throw error;
    }
  });
}

/**
 * Writes all or nothing; resolves to the writes whose condition did not hold, none when all is written. What was cancelled
 * because of others is sent again. A transaction whose answer was lost is sent under the same token, which counts once.
 */
export async function transact(table: Table, writes: readonly Write[]): Promise<readonly Refusal[]> {
  const items = writes.map((write) => transactItem(table.tableName, write));
  let token = table.newToken();
  return await persist(table, 'write a transaction', async () => {
    try {
      await table.client.send(
        new TransactWriteItemsCommand({ TransactItems: items, ClientRequestToken: token }),
      );
      return [];
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      // Nothing of it was written, so what is sent again is another one.
      token = table.newToken();
      return refusalsOf(error);
    }
  });
}

/** Null when all that was in the way passes by itself. */
function refusalsOf({ CancellationReasons: reasons = [] }: TransactionCanceledException): Refusal[] | null {
  const refusals = reasons.flatMap(({ Code, Item }, index) =>
    Code === 'ConditionalCheckFailed' ? [{ index, item: Item ?? null }] : [],
  );
  if (refusals.length > 0) return refusals;
  if (reasons.some(({ Code }) => isPassingReason(Code))) return null;
  // The exception itself has the items in it, which must not come into a log.
  const codes = [...new Set(reasons.map(({ Code }) => Code ?? 'None'))].filter((code) => code !== 'None');
  throw new Error(
    `Cannot write a transaction of ${reasons.length} actions: ${codes.join(', ') || 'no reason'}`,
  );
}

function transactItem(tableName: string, write: Write): TransactWriteItem {
  const target = { TableName: tableName, ...expressions(write.condition, write.values) };
  switch (write.kind) {
    case 'put':
      return { Put: { ...target, Item: { ...write.item } } };
    case 'update':
      return { Update: { ...target, Key: attributes({ ...write.key }), UpdateExpression: write.update } };
    case 'delete':
      return { Delete: { ...target, Key: attributes({ ...write.key }) } };
    case 'check':
      return {
        ConditionCheck: {
          ...target,
          Key: attributes({ ...write.key }),
          ConditionExpression: write.condition,
        },
      };
  }
}

function expressions(condition: string | undefined, values: Values = {}) {
  return {
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: attributes(values) }),
    ...(condition !== undefined && {
      ConditionExpression: condition,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    }),
  };
}

/** The key of the item that a write changes. */
export function writtenKey(write: Write): Key {
  return write.kind === 'put' ? keyOf(write.item) : write.key;
}
