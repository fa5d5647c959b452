import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Cost } from './capacity.ts';
import { MemoryTable } from './memory-table.ts';
import { type Answered, batchGetItem, getItem, query } from './read-operations.ts';
import { Transactions } from './transactions.ts';
import { batchWriteItem, deleteItem, putItem, Refused, updateItem } from './write-operations.ts';

/** A request that was answered or refused. */
export interface Spent {
  /** `GetItem`, `Query`, … */
  readonly operation: string;
  readonly cost: Cost;
}

export interface MemoryDynamo {
  /** For a store to work with: its `send` asks nobody. */
  readonly client: DynamoDBClient;
  /** Another client of the same table, which tells what its own requests cost. */
  connect(onSpent: (spent: Spent) => void): DynamoDBClient;
  readonly table: MemoryTable;
}

/**
 * A stand-in for DynamoDB with the one table of this project: the operations, expressions, refusals and limits that the store
 * has to do with, one request after the other, and what each costs by AWS's rules. Whatever it does not know it refuses.
 */
export function createMemoryDynamo(onSpent: (spent: Spent) => void = () => undefined): MemoryDynamo {
  const table = new MemoryTable();
  const transactions = new Transactions(table);
  const answer = (command: Sendable): Answered<object> => {
    if (command instanceof GetItemCommand) return getItem(table, command.input);
    if (command instanceof BatchGetItemCommand) return batchGetItem(table, command.input);
    if (command instanceof QueryCommand) return query(table, command.input);
    if (command instanceof PutItemCommand) return putItem(table, command.input);
    if (command instanceof UpdateItemCommand) return updateItem(table, command.input);
    if (command instanceof DeleteItemCommand) return deleteItem(table, command.input);
    if (command instanceof BatchWriteItemCommand) return batchWriteItem(table, command.input);
    if (command instanceof TransactWriteItemsCommand) return transactions.write(command.input);
    throw new TypeError(`The stand-in does not know ${command.constructor.name}`);
  };
  const connect = (tell: (spent: Spent) => void) =>
    clientThat(async (command) => {
      const operation = command.constructor.name.replace(/Command$/, '');
      try {
        const { output, cost } = answer(command);
        tell({ operation, cost });
        return output;
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        tell({ operation, cost: error.cost });
        throw error.reason;
      }
    });
  return { client: connect(onSpent), connect, table };
}

/** Any command; what its answer is need not be known. */
export interface Sendable {
  readonly input: object;
}

/** A client of the SDK that sends nothing itself. */
export function clientThat(send: (command: Sendable) => Promise<unknown>): DynamoDBClient {
  const credentials = { accessKeyId: 'none', secretAccessKey: 'none' };
  const client = new DynamoDBClient({ region: 'memory', credentials });
  client.send = send as DynamoDBClient['send'];
  return client;
}
