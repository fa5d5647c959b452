import {
  BatchGetItemCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { assign } from '../../../../shared/aws/store/assign.ts';
import { mapAtOnce } from '../../../../shared/aws/store/at-once.ts';
import { attributes } from '../../../../shared/aws/store/marshal.ts';
import { countItems, firstItems, getItems, type Table } from '../../../../shared/aws/store/requests.ts';
import { persist, StoreBusyError } from '../../../../shared/aws/store/retry.ts';
import { put, remove, transact } from '../../../../shared/aws/store/writes.ts';
import { clientThat, createMemoryDynamo } from '../../../support/dynamo/memory-dynamo.ts';

function memoryTable(): Table {
  const { client } = createMemoryDynamo();
  let tokens = 0;
  return {
    ...{ client, tableName: 'table', pause: async () => undefined, random: Math.random },
    newToken: () => `token-${tokens++}`,
  };
}

describe('requests to the table', () => {
  it('getItems() asks for more than one request takes, each key once', async () => {
    const table = memoryTable();
    const keys = Array.from({ length: 250 }, (_, number) => ({ pk: 'p', sk: String(number) }));
    for (const key of keys.filter(({ sk }) => Number(sk) % 2 === 0)) await put(table, attributes({ ...key }));
    const sizes: number[] = [];
    const client = clientThat(async (command) => {
      if (command instanceof BatchGetItemCommand) {
        sizes.push(command.input.RequestItems?.table?.Keys?.length ?? 0);
      }
      return await table.client.send(command as never);
    });
    const itemOf = await getItems({ ...table, client }, [...keys, ...keys]);
    expect(keys.filter((key) => itemOf(key) !== null)).toHaveLength(125);
    expect(sizes.toSorted()).toEqual([100, 100, 50]);
  });

  it('firstItems() ends with as many as asked for, and a range that ends before it begins is empty', async () => {
    const table = memoryTable();
    for (let number = 0; number < 5; number++) {
      await put(table, attributes({ pk: 'p', sk: String(number) }));
    }
    expect(await firstItems(table, { partition: 'p', pageSize: 2 }, 3)).toHaveLength(3);
    expect(await firstItems(table, { partition: 'p' }, 0)).toEqual([]);
    expect(await firstItems(table, { partition: 'p', range: { first: '4', last: '1' } })).toEqual([]);
  });

  it('countItems() is given up after so many requests', async () => {
    const table = memoryTable();
    for (let number = 0; number < 5; number++) {
      await put(table, attributes({ pk: 'p', sk: String(number) }));
    }
    expect(await countItems(table, { partition: 'p', pageSize: 2 }, 2)).toEqual({
      count: 4,
      complete: false,
    });
    expect(await countItems(table, { partition: 'p', pageSize: 2 }, 9)).toEqual({ count: 5, complete: true });
  });

  it('transact() tells which conditions did not hold, and with which items', async () => {
    const table = memoryTable();
    await put(table, attributes({ pk: 'p', sk: '1', subject: 'there' }));
    const writes = ['0', '1', '2'].map((sk) => ({
      ...{ kind: 'put' as const, item: attributes({ pk: 'p', sk }) },
      condition: 'attribute_not_exists(pk)',
    }));
    expect(await transact(table, writes)).toMatchObject([{ index: 1, item: { subject: { S: 'there' } } }]);
    expect(await firstItems(table, { partition: 'p' })).toHaveLength(1);
  });

  it('transact() that can never be written says why, and nothing of what is in it', async () => {
    const table = memoryTable();
    const large = attributes({ pk: 'p', sk: '1', subject: 'private words '.repeat(40_000) });
    const failing = transact(table, [
      { kind: 'put', item: large },
      { kind: 'delete', key: { pk: 'p', sk: '2' } },
    ]);
    await expect(failing).rejects.toThrow();
    const error = await failing.catch((reason: unknown) => reason);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('private words');
  });

  it('transact() sends what was cancelled under a new token, and what was throttled under the same', async () => {
    const table = memoryTable();
    const tokens: unknown[] = [];
    const failures = [
      Object.assign(new Error('slower'), { name: 'ThrottlingException' }),
      Object.assign(new Error('in progress'), { name: 'TransactionInProgressException' }),
    ];
    const client = clientThat(async (command) => {
      if (command instanceof TransactWriteItemsCommand) tokens.push(command.input.ClientRequestToken);
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return await table.client.send(command as never);
    });
    const item = attributes({ pk: 'p', sk: '1' });
    expect(await transact({ ...table, client }, [{ kind: 'put', item }])).toEqual([]);
    expect(new Set(tokens).size).toBe(1);
    expect(tokens).toHaveLength(3);
  });

  it('transact() that was cancelled because of others is sent again as another one', async () => {
    const table = memoryTable();
    const tokens: unknown[] = [];
    const client = clientThat(async (command) => {
      if (command instanceof TransactWriteItemsCommand) tokens.push(command.input.ClientRequestToken);
      if (tokens.length > 1) return await table.client.send(command as never);
      const CancellationReasons = [{ Code: 'TransactionConflict' }];
      throw new TransactionCanceledException({ $metadata: {}, message: 'cancelled', CancellationReasons });
    });
    const item = attributes({ pk: 'p', sk: '1' });
    expect(await transact({ ...table, client }, [{ kind: 'put', item }])).toEqual([]);
    expect(new Set(tokens).size).toBe(2);
  });

  it('remove() of an item that is not as it must be gives the item', async () => {
    const table = memoryTable();
    await put(table, attributes({ pk: 'p', sk: '1', holder: 'other' }));
    const refused = await remove(table, { pk: 'p', sk: '1' }, 'holder = :me', { ':me': 'me' });
    expect(refused).toMatchObject({ ok: false, item: { holder: { S: 'other' } } });
  });
});

describe('trying again', () => {
  const steps = (delays: number[], random = () => 0.999) => ({
    random,
    pause: async (ms: number) => {
      delays.push(ms);
    },
  });

  it('persist() waits longer after each try, at random, at most a second, and then gives up', async () => {
    const delays: number[] = [];
    await expect(persist(steps(delays), 'do it', async () => null)).rejects.toThrow(StoreBusyError);
    expect(delays).toHaveLength(13);
    expect(delays.slice(0, 3)).toEqual([40, 80, 160]);
    expect(Math.max(...delays)).toBe(999);
    const early: number[] = [];
    await persist(
      steps(early, () => 0),
      'do it',
      async () => null,
    ).catch(() => undefined);
    expect(new Set(early)).toEqual(new Set([0]));
  });

  it('persist() passes on what does not pass by itself', async () => {
    const delays: number[] = [];
    const failing = persist(steps(delays), 'do it', async () => {
      throw Object.assign(new Error('wrong'), { name: 'ValidationException' });
    });
    await expect(failing).rejects.toThrow('wrong');
    expect(delays).toEqual([]);
  });
});

describe('small parts', () => {
  it('assign() sets, removes and adds', () => {
    expect(assign({ a: 'x', b: null, c: 0 }, { d: 1 })).toEqual({
      update: 'SET a = :a, c = :c REMOVE b ADD d :d',
      values: { ':a': 'x', ':c': 0, ':d': 1 },
    });
    expect(assign({})).toEqual({ update: '', values: {} });
  });

  it('mapAtOnce() keeps the order, and to so many at once', async () => {
    let running = 0;
    let most = 0;
    const results = await mapAtOnce([1, 2, 3, 4, 5, 6, 7], 3, async (number) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return number * 2;
    });
    expect(results).toEqual([2, 4, 6, 8, 10, 12, 14]);
    expect(most).toBe(3);
  });

  it('mapAtOnce() rejects with the first failure', async () => {
    const failing = mapAtOnce([1, 2, 3], 2, async (number) => {
      if (number === 2) throw new Error('two');
      return number;
    });
    await expect(failing).rejects.toThrow('two');
  });
});
