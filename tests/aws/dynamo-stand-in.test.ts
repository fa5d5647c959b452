import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMirror } from '../support/dynamo/mirror.ts';
import { randomCommands } from '../support/dynamo/random-commands.ts';
import { createTable, localClient } from './store/dynamo-table.ts';

const real = localClient();

describe('the stand-in for DynamoDB', () => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed))(
    'answers, refuses and counts as DynamoDB does, whatever it is asked: %i',
    async (seed) => {
      const table = await createTable(real);
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
