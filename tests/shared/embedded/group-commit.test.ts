import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../../../shared/embedded/database.ts';
import { GroupCommit } from '../../../shared/embedded/group-commit.ts';
import { migrate } from '../../../shared/embedded/schema.ts';
import { createStore } from '../../../shared/embedded/store/create-store.ts';
import { TestClock } from '../../contract/fixtures.ts';
import { Scene } from '../../contract/scene.ts';
import { temporaryFolder } from './folders.ts';

let database: Database;
let path: string;

beforeEach(() => {
  path = join(temporaryFolder(), 'test.db');
  database = new Database(path);
  database.configure('OFF');
  database.exec('CREATE TABLE numbers (number INTEGER PRIMARY KEY, filler BLOB)');
});

afterEach(() => database.close());

const insert = (number: number, bytes = 0) =>
  database.run('INSERT INTO numbers VALUES (?, zeroblob(?))', number, bytes);
const stored = (from = database) =>
  from.all<{ number: number }>('SELECT number FROM numbers ORDER BY number').map(({ number }) => number);

/** How many commits an action takes. */
async function commitsOf(action: () => Promise<unknown>): Promise<number> {
  const before = changes();
  await action();
  return changes() - before;
}

/** Each commit of another connection changes what this one sees. */
const watcher = { connection: null as Database | null };
function changes(): number {
  watcher.connection ??= new Database(path);
  return watcher.connection.get<{ data_version: number }>('PRAGMA data_version')?.data_version ?? 0;
}

afterEach(() => {
  watcher.connection?.close();
  watcher.connection = null;
});

describe('GroupCommit', () => {
  it('write() resolves to what the change returned, once it is committed', async () => {
    const writer = new GroupCommit(database);
    const other = new Database(path);
    expect(await writer.write(() => insert(1))).toBe(1);
    expect(stored(other)).toEqual([1]);
    other.close();
  });

  it('write() runs nothing before its turn: reads see what is committed', async () => {
    const writer = new GroupCommit(database);
    const waiting = writer.write(() => insert(1));
    expect(stored()).toEqual([]);
    await waiting;
    expect(stored()).toEqual([1]);
  });

  it('write() commits many at once, in the order of the calls', async () => {
    const writer = new GroupCommit(database);
    const order: number[] = [];
    const commits = await commitsOf(() =>
      Promise.all(
        Array.from({ length: 40 }, (_, number) =>
          writer.write(() => {
            order.push(number);
            return insert(number);
          }),
        ),
      ),
    );
    expect(commits).toBe(1);
    expect(order).toEqual(Array.from({ length: 40 }, (_, number) => number));
  });

  it.each([
    ['as many as it takes are waiting', { maxWaiting: 50 }, 0],
    ['many bytes are waiting', { maxBytes: 50_000 }, 1_000],
  ])('write() does not wait for a later turn when %s', async (_, limits, sizeBytes) => {
    const writer = new GroupCommit(database, limits);
    const all = Array.from({ length: 50 }, (_, number) => writer.write(() => insert(number), sizeBytes));
    expect(stored()).toHaveLength(50);
    await Promise.all(all);
  });

  it('write() that throws takes back what it did, and nothing of the others', async () => {
    const writer = new GroupCommit(database);
    const results = await Promise.allSettled([
      writer.write(() => insert(1)),
      writer.write(() => {
        insert(2);
        throw new Error('no');
      }),
      writer.write(() => insert(1)),
      writer.write(() => insert(3)),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: new Error('no') });
    expect(stored()).toEqual([1, 3]);
  });

  it('write() rejects all when the commit fails, and goes on working', async () => {
    database.exec(`PRAGMA foreign_keys = ON;
      CREATE TABLE children (parent INTEGER REFERENCES numbers (number) DEFERRABLE INITIALLY DEFERRED)`);
    const writer = new GroupCommit(database);
    const results = await Promise.allSettled([
      writer.write(() => insert(1)),
      // Found only at the commit: there is no such parent.
      writer.write(() => database.run('INSERT INTO children VALUES (99)')),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(stored()).toEqual([]);
    expect(await writer.write(() => insert(2))).toBe(1);
    expect(stored()).toEqual([2]);
  });

  it('write() on a full disk rejects what does not fit, keeps what was acknowledged, and goes on when there is room', async () => {
    const writer = new GroupCommit(database);
    database.exec('PRAGMA max_page_count = 30');
    const acknowledged: number[] = [];
    let rejected = 0;
    for (let number = 0; number < 60; number += 3) {
      const three = [number, number + 1, number + 2];
      const results = await Promise.allSettled(three.map((one) => writer.write(() => insert(one, 3_000))));
      results.forEach(({ status }, index) => {
        if (status === 'fulfilled') acknowledged.push(number + index);
        else rejected += 1;
      });
    }
    expect(rejected).toBeGreaterThan(0);
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(stored()).toEqual(acknowledged);
    database.exec('PRAGMA max_page_count = 1000');
    expect(await writer.write(() => insert(1_000, 3_000))).toBe(1);
    expect(stored()).toEqual([...acknowledged, 1_000]);
    expect(database.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  });

  it('close() commits what waits and refuses the rest', async () => {
    const writer = new GroupCommit(database);
    const waiting = writer.write(() => insert(1));
    writer.close();
    expect(await waiting).toBe(1);
    await expect(writer.write(() => insert(2))).rejects.toThrow('closed');
  });

  it('keeps exactly the writes that it acknowledged, whichever of them throw', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ fails: fc.boolean(), together: fc.boolean() }), { maxLength: 120 }),
        async (writes) => {
          database.run('DELETE FROM numbers');
          const writer = new GroupCommit(database);
          const results: Promise<PromiseSettledResult<number>[]>[] = [];
          for (const [number, { fails, together }] of writes.entries()) {
            const write = writer.write(() => {
              insert(number);
              if (fails) throw new Error('no');
              return number;
            });
            results.push(Promise.allSettled([write]));
            if (!together) await write.catch(() => undefined);
          }
          const settled = (await Promise.all(results)).flat();
          const kept = settled.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
          expect(kept).toEqual(writes.flatMap(({ fails }, number) => (fails ? [] : number)));
          expect(stored()).toEqual(kept);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('the store on a full disk', () => {
  it('acknowledges nothing that it does not keep, and works again when there is room', async () => {
    database.exec('DROP TABLE numbers');
    migrate(database);
    const clock = new TestClock();
    const writer = new GroupCommit(database);
    const { store } = createStore({ database, writer, clock, packs: { exists: () => true } });
    const blobs = { put: async () => 'none' } as never;
    const scene = new Scene({ store, blobs, clock });
    const account = await scene.addAccount();
    const pages = database.get<{ page_count: number }>('PRAGMA page_count')?.page_count ?? 0;
    database.exec(`PRAGMA max_page_count = ${pages + 10}`);
    const fence = await scene.lease(account.id);
    const kept: string[] = [];
    let refused = 0;
    for (let number = 0; number < 100; number++) {
      const event = await scene.event(account, [], { subject: 'x'.repeat(900) });
      const answer = await store.commit(fence, [event], clock.now()).catch(() => null);
      if (answer === null) refused += 1;
      else kept.push(event.id);
    }
    expect(refused).toBeGreaterThan(0);
    const list = async () =>
      (await store.messages({}, { after: null, limit: 500 })).data.map(({ event }) => event.id as string);
    expect((await list()).sort()).toEqual([...kept].sort());
    database.exec('PRAGMA max_page_count = 100000');
    const event = await scene.event(account, []);
    expect(await store.commit(fence, [event], clock.now())).toMatchObject({ committed: [event.id] });
    expect(await list()).toHaveLength(kept.length + 1);
  });
});
