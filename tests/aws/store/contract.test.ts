import { expect } from 'vitest';
import { createDynamoStore } from '../../../shared/aws/store/create-dynamo-store.ts';
import { TestClock } from '../../contract/fixtures.ts';
import { storeContract } from '../../contract/store.ts';
import { createMirror } from '../../support/dynamo/mirror.ts';
import { createTable, localClient } from './dynamo-table.ts';
import { createMemoryBlobs } from './memory-blobs.ts';

const real = localClient();

// Whatever the store asks of DynamoDB here it asks of the stand-in too, which must answer the same.
storeContract('DynamoDB', async () => {
  const clock = new TestClock();
  const table = await createTable(real);
  const { client, differences } = createMirror(real);
  const store = createDynamoStore({ client, table, clock });
  const close = async () => expect(differences[0]).toBeUndefined();
  return { store, blobs: createMemoryBlobs(), clock, close };
});
