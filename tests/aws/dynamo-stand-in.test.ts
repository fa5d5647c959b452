import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import { INDEXES } from '../support/dynamo/memory-table.ts';
import { createMirror } from '../support/dynamo/mirror.ts';
import { randomCommands } from '../support/dynamo/random-commands.ts';

const real = new DynamoDBClient(inject('miniStack').clientOptions);

async function createTable(name: string): Promise<void> {
  const names = ['pk', 'sk', ...INDEXES.flatMap(({ partition, sort }) => [partition, sort])];
  await real.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: INDEXES.map(({ name: IndexName, partition, sort, include }) => ({
        IndexName,
        KeySchema: [
          { AttributeName: partition, KeyType: 'HASH' },
          { AttributeName: sort, KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: [...include] },
      })),
    }),
  );
}

describe('the stand-in for DynamoDB', () => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed))(
    'answers, refuses and counts as DynamoDB does, whatever it is asked: %i',
    async (seed) => {
      const table = `random-${seed}`;
      await createTable(table);
      const { client, differences } = createMirror(real);
      const send = client.send.bind(client) as (command: unknown) => Promise<unknown>;
      for (const command of fc.sample(randomCommands(table), { numRuns: 60, seed })) {
        await Promise.allSettled([send(command)]);
      }
      // What follows the first may only be its consequence.
      expect(differences[0]).toBeUndefined();
    },
  );
});
