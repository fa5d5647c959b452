import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { createDynamoStore } from '../../../../shared/aws/store/create-dynamo-store.ts';
import { gapKey } from '../../../../shared/aws/store/keys.ts';
import { attributes } from '../../../../shared/aws/store/marshal.ts';
import { createMemoryBlobs } from '../../../aws/store/memory-blobs.ts';
import { MINUTE, TestClock } from '../../../contract/fixtures.ts';
import { Scene } from '../../../contract/scene.ts';
import { createMemoryDynamo } from '../../../support/dynamo/memory-dynamo.ts';

it('a gap from before gaps were counted stops no poll, and is tried when it is due', async () => {
  const clock = new TestClock();
  const { client } = createMemoryDynamo();
  const store = createDynamoStore({ client, table: 'table', clock });
  const scene = new Scene({ store, clock, blobs: createMemoryBlobs() });
  const { id } = await scene.addAccount();
  const fence = await scene.lease(id);
  const dueAt = new Date(clock.nowMs + MINUTE);
  const item = scene.listed();
  await store.saveProgress(fence, scene.progress({ opened: [{ item, dueAt, error: 'no' }] }), scene.now);
  await client.send(
    new UpdateItemCommand({
      ...{ TableName: 'table', Key: attributes({ ...gapKey(id, item.source) }) },
      UpdateExpression: 'REMOVE gsi1pk, gsi1sk',
    }),
  );
  expect((await store.pollState(id, scene.now)).gaps).toMatchObject([
    { item, dueAt, openedAt: dueAt, error: 'no' },
  ]);
});
