import { createDynamoStore } from '../../../shared/aws/store/create-dynamo-store.ts';
import { TestClock } from '../../contract/fixtures.ts';
import { storeContract } from '../../contract/store.ts';
import { createTable, localClient } from './dynamo-table.ts';
import { createMemoryBlobs } from './memory-blobs.ts';

const client = localClient();

storeContract('DynamoDB', async () => {
  const clock = new TestClock();
  const table = await createTable(client);
  const store = createDynamoStore({ client, table, clock });
  return { store, blobs: createMemoryBlobs(), clock, close: async () => undefined };
});
