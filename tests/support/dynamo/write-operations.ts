import {
  type BatchWriteItemCommandInput,
  type BatchWriteItemCommandOutput,
  ConditionalCheckFailedException,
  type DeleteItemCommandInput,
  type PutItemCommandInput,
  type TransactWriteItem,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { type Cost, sumCosts, writeCost } from './capacity.ts';
import { readCondition, type Values } from './condition.ts';
import type { Item } from './item-size.ts';
import { checkItem, INDEXES, keyOf, type MemoryTable } from './memory-table.ts';
import type { Answered } from './read-operations.ts';
import { checkValues } from './request-checks.ts';
import { readUpdate } from './update.ts';
import { validationError } from './validation-error.ts';

const MAX_BATCH_WRITES = 25;
const META = { $metadata: {} };

/** One write, looked at and not done yet. */
export interface Planned {
  readonly key: Item;
  readonly before: Item | null;
  /** The same as before for one that only checks. */
  readonly after: Item | null;
  /** Whether its condition holds. */
  readonly holds: boolean;
  /** The item that a put would write, whose size counts even when it is refused; null for the others. */
  readonly offered: Item | null;
  /** Whether the item as it was found goes with the refusal. */
  readonly returnsItem: boolean;
}

interface Conditional {
  readonly ConditionExpression?: string | undefined;
  readonly ExpressionAttributeValues?: Values | undefined;
  readonly ReturnValuesOnConditionCheckFailure?: string | undefined;
}

/** A request that was refused, with what it cost all the same. */
export class Refused extends Error {
  readonly reason: Error;
  readonly cost: Cost;

  constructor(reason: Error, cost: Cost) {
    super(reason.message);
    this.reason = reason;
    this.cost = cost;
  }
}

/** Looks at one action of a transaction, or at a write alone in the same form. Throws for one that can never work. */
export function planWrite(table: MemoryTable, action: TransactWriteItem): Planned {
  if (action.Put !== undefined) {
    const item = action.Put.Item ?? {};
    checkItem(item);
    return { ...planned(table, action.Put, item, () => ({ ...item }), []), offered: item };
  }
  if (action.Update !== undefined) {
    const {
      Key: key = {},
      UpdateExpression: text = '',
      ExpressionAttributeValues: values = {},
    } = action.Update;
    const update = readUpdate(text);
    if (update.targets.has('pk') || update.targets.has('sk')) {
      throw validationError('Cannot update attribute: it is part of the key');
    }
    const change = (before: Item | null) => update.apply(before ?? key, values);
    return planned(table, action.Update, key, change, [update.placeholders]);
  }
  if (action.Delete !== undefined) {
    return planned(table, action.Delete, action.Delete.Key ?? {}, () => null, []);
  }
  if (action.ConditionCheck === undefined) throw validationError('An action must be one of four');
  return planned(table, action.ConditionCheck, action.ConditionCheck.Key ?? {}, (before) => before, []);
}

function planned(
  table: MemoryTable,
  request: Conditional,
  key: Item,
  change: (before: Item | null) => Item | null,
  named: readonly ReadonlySet<string>[],
): Planned {
  const values = request.ExpressionAttributeValues ?? {};
  const condition =
    request.ConditionExpression === undefined ? null : readCondition(request.ConditionExpression);
  checkValues(values, [...named, condition?.placeholders]);
  const before = table.get(key);
  const holds = condition === null || condition.holds(before ?? {}, values);
  // What an update would make of an item that it does not fit need not make sense.
  const after = holds ? change(before) : before;
  if (after !== null && after !== before) checkItem(after);
  return {
    key,
    before,
    after,
    holds,
    offered: null,
    returnsItem: request.ReturnValuesOnConditionCheckFailure === 'ALL_OLD',
  };
}

/** Does what was planned. */
export function carryOut(table: MemoryTable, { key, before, after }: Planned): void {
  if (after !== before) table.write(key, before, after);
}

/** What a write costs, done or refused. */
export function costOf({ key, before, after, holds, offered }: Planned, transactional: boolean): Cost {
  if (holds && (before !== null || after !== null)) {
    return writeCost(before, after, { indexes: INDEXES, transactional });
  }
  // Nothing changes, and so no index does; a write that touches nothing counts by its key.
  return writeCost(before, offered ?? before ?? key, { indexes: [], transactional });
}

function single(table: MemoryTable, action: TransactWriteItem): { planned: Planned; cost: Cost } {
  const one = planWrite(table, action);
  const cost = costOf(one, false);
  if (!one.holds) {
    const item = one.returnsItem && one.before !== null ? { Item: { ...one.before } } : {};
    const message = 'The conditional request failed';
    throw new Refused(new ConditionalCheckFailedException({ ...META, message, ...item }), cost);
  }
  carryOut(table, one);
  return { planned: one, cost };
}

export function putItem(table: MemoryTable, input: PutItemCommandInput): Answered<object> {
  checkReturned(input.ReturnValues, []);
  const { cost } = single(table, { Put: { ...input, TableName: input.TableName, Item: input.Item } });
  return { output: {}, cost };
}

export function updateItem(
  table: MemoryTable,
  input: UpdateItemCommandInput,
): Answered<{ Attributes?: Record<string, Item[string]> }> {
  checkReturned(input.ReturnValues, ['ALL_NEW']);
  const { UpdateExpression: text } = input;
  const { planned: one, cost } = single(table, { Update: { ...input, UpdateExpression: text } });
  return { output: input.ReturnValues === 'ALL_NEW' ? { Attributes: { ...one.after } } : {}, cost };
}

export function deleteItem(table: MemoryTable, input: DeleteItemCommandInput): Answered<object> {
  checkReturned(input.ReturnValues, []);
  const { cost } = single(table, { Delete: input });
  return { output: {}, cost };
}

export function batchWriteItem(
  table: MemoryTable,
  input: BatchWriteItemCommandInput,
): Answered<BatchWriteItemCommandOutput> {
  const requests = Object.values(input.RequestItems ?? {}).flat();
  if (requests.length === 0 || requests.length > MAX_BATCH_WRITES) {
    throw validationError('A batch must have from 1 to 25 requests');
  }
  const keys = requests.map(({ PutRequest, DeleteRequest }) =>
    JSON.stringify(keyOf(PutRequest?.Item ?? DeleteRequest?.Key ?? {})),
  );
  if (new Set(keys).size < keys.length)
    throw validationError('Provided list of item keys contains duplicates');
  const costs = requests.map(({ PutRequest, DeleteRequest }) => {
    const TableName = undefined;
    if (PutRequest !== undefined) return single(table, { Put: { TableName, Item: PutRequest.Item } }).cost;
    return single(table, { Delete: { TableName, Key: DeleteRequest?.Key } }).cost;
  });
  return { output: { ...META, UnprocessedItems: {} }, cost: sumCosts(costs) };
}

function checkReturned(asked: string | undefined, known: readonly string[]): void {
  if (asked !== undefined && asked !== 'NONE' && !known.includes(asked)) {
    throw new TypeError(`The stand-in does not know ReturnValues ${asked}`);
  }
}
