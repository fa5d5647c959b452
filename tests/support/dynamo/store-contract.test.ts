import { createDynamoStore } from '../../../shared/aws/store/create-dynamo-store.ts';
import { createMemoryBlobs } from '../../aws/store/memory-blobs.ts';
import { TestClock } from '../../contract/fixtures.ts';
import { storeContract } from '../../contract/store.ts';
import { createMemoryDynamo } from './memory-dynamo.ts';

// What the store on DynamoDB keeps is thus tested on machines without a local AWS too.
storeContract('DynamoDB in memory', async () => {
  const clock = new TestClock();
  const store = createDynamoStore({ client: createMemoryDynamo().client, table: 'table', clock });
  return { store, blobs: createMemoryBlobs(), clock, close: async () => undefined };
});
