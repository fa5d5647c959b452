import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoStore } from '../../../shared/aws/store/create-dynamo-store.ts';
import type { Maintenance } from '../../../shared/aws/store/maintenance.ts';
import { TestClock } from '../../contract/fixtures.ts';
import { Scene } from '../../contract/scene.ts';
import { createTable, localClient } from './dynamo-table.ts';
import { createMemoryBlobs } from './memory-blobs.ts';

/** A scene on an empty table, with a client of its own to put faults into. */
export interface DynamoScene {
  readonly scene: Scene;
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly maintain: Maintenance['maintain'];
  /** Another process on the same table: a store with another client, and without the faults of this one. */
  other(): Scene;
}

/** Opens a store on an empty table. Waits between tries take no time, unless they are to keep rivals apart. */
export async function openScene({ waits = false } = {}): Promise<DynamoScene> {
  const client = localClient();
  const table = await createTable(client);
  const clock = new TestClock();
  const blobs = createMemoryBlobs();
  const pause = () => new Promise<void>((resolve) => setImmediate(resolve));
  const open = (own: DynamoDBClient) =>
    createDynamoStore({ client: own, table, clock, ...(!waits && { pause }) });
  const store = open(client);
  return {
    scene: new Scene({ store, blobs, clock }),
    ...{ client, table, maintain: store.maintain },
    other: () => new Scene({ store: open(localClient()), blobs, clock }, 1_000_000),
  };
}
