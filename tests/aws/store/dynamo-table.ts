import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { inject } from 'vitest';
import { LIST_INDEX, TABLE_KEY, WORK_INDEX } from '../../../shared/aws/store/table.ts';

/** A client of the local AWS. */
export function localClient(): DynamoDBClient {
  return new DynamoDBClient(inject('miniStack').clientOptions);
}

let tables = 0;

/** Makes an empty table as the stack does; resolves to its name. */
export async function createTable(client: DynamoDBClient): Promise<string> {
  tables += 1;
  const name = `store-${process.pid}-${Date.now()}-${tables}`;
  const keys = [TABLE_KEY, WORK_INDEX, LIST_INDEX];
  const schema = ({ partition, sort }: (typeof keys)[number]) => [
    { AttributeName: partition, KeyType: 'HASH' as const },
    { AttributeName: sort, KeyType: 'RANGE' as const },
  ];
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: keys.flatMap(({ partition, sort }) =>
        [partition, sort].map((AttributeName) => ({ AttributeName, AttributeType: 'S' as const })),
      ),
      KeySchema: schema(TABLE_KEY),
      GlobalSecondaryIndexes: [WORK_INDEX, LIST_INDEX].map((index) => ({
        IndexName: index.name,
        KeySchema: schema(index),
        Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: [...index.include] },
      })),
    }),
  );
  return name;
}
