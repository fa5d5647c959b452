import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SweepDeps, sweepLedgers } from '../../../functions/sweep/sweep-ledgers.ts';
import { type Pop3Server, startPop3Server } from '../../../local/demo/pop3-server.ts';
import type { AccountId } from '../../../shared/identity.ts';
import type { BlobRef } from '../../../shared/ports/blobs.ts';
import { openPollWorld, PASSWORD, type PollWorld, smallMail } from '../../support/poll-world.ts';

const HOUR_MS = 3_600_000;
const ORPHAN = 'ledger/orphan' as BlobRef;

let server: Pop3Server;
let world: PollWorld;
/** What lies in the bucket: the ledgers and their age in hours. */
let bucket: Map<BlobRef, number>;

beforeEach(async () => {
  const mails = [smallMail(1)];
  server = await startPop3Server({
    users: { ana: { password: PASSWORD, mails }, ben: { password: PASSWORD, mails } },
  });
  world = await openPollWorld();
  bucket = new Map();
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await server.close();
});

/** Adds an account, whose baseline is a ledger that is in the bucket for two days. */
async function addAccount(username: string): Promise<{ id: AccountId; ledger: BlobRef }> {
  const { id } = await world.add({ protocol: 'pop3', port: server.port, username });
  const { cursors } = await world.deps.store.pollState(id, world.clock.now());
  const [cursor] = cursors;
  if (cursor?.protocol !== 'pop3' || cursor.base === null) throw new Error('The baseline has no ledger');
  bucket.set(cursor.base, 48);
  return { id, ledger: cursor.base };
}

function deps(): SweepDeps {
  return {
    store: world.deps.store,
    clock: world.clock,
    blobs: { drop: async (ref) => void bucket.delete(ref) },
    async *ledgers() {
      for (const [ref, hours] of bucket) {
        yield { ref, writtenAt: new Date(world.clock.time - hours * HOUR_MS) };
      }
    },
  };
}

const never = () => false;

describe('sweepLedgers()', () => {
  it('keeps what cursors refer to, and removes what nothing does', async () => {
    const ana = await addAccount('ana');
    const ben = await addAccount('ben');
    bucket.set(ORPHAN, 25);
    expect(await sweepLedgers(deps(), never)).toEqual({ kept: 2, removed: 1 });
    expect([...bucket.keys()]).toEqual([ana.ledger, ben.ledger]);
  });

  it('leaves a young one alone: the cursor that is to refer to it may not be saved yet', async () => {
    bucket.set(ORPHAN, 23);
    expect(await sweepLedgers(deps(), never)).toEqual({ kept: 0, removed: 0 });
    expect(bucket.has(ORPHAN)).toBe(true);
  });

  it('removes the ledger of an account that is gone', async () => {
    const ana = await addAccount('ana');
    await addAccount('ben');
    await world.deps.store.removeAccount(ana.id);
    expect(await sweepLedgers(deps(), never)).toEqual({ kept: 1, removed: 1 });
    expect(bucket.has(ana.ledger)).toBe(false);
  });

  it('removes nothing when the time runs out before all accounts were looked at', async () => {
    await addAccount('ana');
    bucket.set(ORPHAN, 48);
    await expect(sweepLedgers(deps(), () => true)).rejects.toThrow('The time ran out');
    expect(bucket.size).toBe(2);
  });

  it('removes nothing when the store fails on the way', async () => {
    bucket.set(ORPHAN, 48);
    const broken = {
      ...deps(),
      store: { ...deps().store, accounts: () => Promise.reject(new Error('outage')) },
    };
    await expect(sweepLedgers(broken, never)).rejects.toThrow('outage');
    expect(bucket.has(ORPHAN)).toBe(true);
  });
});
