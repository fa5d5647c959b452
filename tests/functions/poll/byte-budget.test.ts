import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ByteBudget, createByteBudget, type ReleaseBytes } from '../../../functions/poll/byte-budget.ts';
import { startImapServer } from '../../../local/demo/imap-server.ts';
import { startPop3Server } from '../../../local/demo/pop3-server.ts';
import type { OpenMailSource } from '../../../shared/ports/mail-source.ts';
import { openPollWorld, PASSWORD, type PollWorld, smallMail } from '../../support/poll-world.ts';

const LIMIT = 100;

describe('a byte budget', () => {
  it('lets larger ones that wait have their turn before smaller ones that came later', async () => {
    const budget = createByteBudget(LIMIT);
    const order: string[] = [];
    const first = await budget.take(60);
    const taking = async (name: string, bytes: number) => {
      const release = await budget.take(bytes);
      order.push(name);
      return release;
    };
    const [large, small] = [taking('large', 250), taking('small', 1)];
    expect(budget.tryTake(1)).toBeNull();
    first();
    (await large)();
    (await small)();
    expect(order).toEqual(['large', 'small']);
    expect(budget.tryTake(LIMIT)).not.toBeNull();
  });

  it('counts what is given back once', async () => {
    const budget = createByteBudget(LIMIT);
    const [one, two] = [await budget.take(60), await budget.take(40)];
    one();
    one();
    expect(budget.tryTake(61)).toBeNull();
    two();
    expect(budget.tryTake(LIMIT)).not.toBeNull();
  });

  it('is never exceeded but by one alone, and serves everybody in order', async () => {
    const asks = fc.array(fc.record({ bytes: fc.nat(150), turns: fc.nat(3) }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(asks, async (all) => {
        const budget = createByteBudget(LIMIT);
        const holding = new Set<number>();
        const served: number[] = [];
        await Promise.all(
          all.map(async ({ bytes, turns }, index) => {
            const release = await budget.take(bytes);
            served.push(index);
            holding.add(index);
            const sum = [...holding].reduce((total, one) => total + (all[one]?.bytes ?? 0), 0);
            const others = [...holding].filter((one) => (all[one]?.bytes ?? 0) > 0);
            expect(sum <= LIMIT || others.length === 1).toBe(true);
            for (let turn = 0; turn < turns; turn++) await setImmediate();
            holding.delete(index);
            release();
          }),
        );
        expect(served).toEqual(all.map((_, index) => index));
      }),
      { numRuns: 100 },
    );
  });
});

/** A budget that remembers the most that was taken of it at once, and how much is taken now. */
function watched(limitBytes: number) {
  const budget = createByteBudget(limitBytes);
  const seen = { peakBytes: 0, takenBytes: 0 };
  const watch = (bytes: number, release: ReleaseBytes): ReleaseBytes => {
    seen.takenBytes += bytes;
    seen.peakBytes = Math.max(seen.peakBytes, seen.takenBytes);
    return () => {
      // Before it is given back, because whoever waits takes it at once.
      seen.takenBytes -= bytes;
      release();
    };
  };
  const watching: ByteBudget = {
    tryTake(bytes) {
      const release = budget.tryTake(bytes);
      return release && watch(bytes, release);
    },
    take: async (bytes) => watch(bytes, await budget.take(bytes)),
  };
  return { budget: watching, seen };
}

const USERS = ['ana', 'bob', 'eve'];
const users = Object.fromEntries(USERS.map((name) => [name, { password: PASSWORD }]));

async function withServers(
  world: PollWorld,
  run: (port: number, protocol: 'imap' | 'pop3') => Promise<void>,
) {
  const [imap, pop3] = [await startImapServer({ users }), await startPop3Server({ users })];
  try {
    for (let n = 0; n < 40; n++) {
      // Every tenth is larger than the whole budget.
      for (const name of USERS) {
        const mail = smallMail(`${name} ${n}`, n % 10 === 9 ? 4_000 : 300);
        imap.mailbox(name).add(mail, { receivedAt: world.clock.now() });
        pop3.add(name, mail);
      }
    }
    await run(imap.port, 'imap');
    await run(pop3.port, 'pop3');
  } finally {
    await Promise.all([imap.close(), pop3.close()]);
  }
}

describe('polls that share a budget smaller than what they fetch', () => {
  it('all end, deliver everything and stay within it, larger messages one at a time', async () => {
    const limitBytes = 16 * 1024;
    const { budget, seen } = watched(limitBytes);
    await using world = await openPollWorld((open) => open, budget);
    await withServers(world, async (port, protocol) => {
      const start = { kind: 'all' } as const;
      const accounts = [];
      for (const username of USERS) {
        accounts.push(await world.add({ protocol, port, username, start, name: `${username} ${protocol}` }));
      }
      const reports = await Promise.all(accounts.map(({ id }) => world.poll(id)));
      expect(reports).toMatchObject(USERS.map(() => ({ outcome: 'ok', committed: 40 })));
    });
    expect(seen.takenBytes).toBe(0);
    expect(seen.peakBytes).toBeGreaterThan(limitBytes);
    expect(seen.peakBytes).toBe(smallMail('ana 39', 4_000).length);
  });

  it('give everything back when a session breaks or the store fails', async () => {
    const { budget, seen } = watched(16 * 1024);
    let broken = 0;
    const breaking =
      (open: OpenMailSource): OpenMailSource =>
      async (login, signal) => {
        const source = await open(login, signal);
        return {
          ...source,
          async *fetch(items, limits) {
            let given = 0;
            for await (const one of source.fetch(items, limits)) {
              yield one;
              if (++given === 7 && broken++ < 2) throw new Error('broken by the test');
            }
          },
        };
      };
    await using world = await openPollWorld(breaking, budget);
    await withServers(world, async (port, protocol) => {
      const settings = { protocol, port, username: 'ana', start: { kind: 'all' } } as const;
      const { id } = await world.add({ ...settings, name: `ana ${protocol}` });
      const { commit } = world.deps.store;
      world.deps.store.commit = async () => {
        throw new Error('The store is out of reach');
      };
      expect((await world.poll(id))?.outcome).toBe('error');
      world.deps.store.commit = commit;
      expect(seen.takenBytes).toBe(0);
      await world.poll(id);
      expect(seen.takenBytes).toBe(0);
      await world.poll(id);
    });
    expect(seen.takenBytes).toBe(0);
    expect((await world.messages()).length).toBe(80);
  });
});
