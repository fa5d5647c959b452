import { describe, expect, it } from 'vitest';
import type { ReceivedRequest } from '../support/receiver.ts';
import { expectExactlyOnce } from './crash-checks.ts';
import { mailOf } from './crash-mails.ts';
import { usePlayers } from './crash-players.ts';
import { type KillPoint, type Moment, nameOf } from './crash-steps.ts';
import { CrashWorld } from './crash-world.ts';

const players = usePlayers();

const at = (moment: Moment, step: string, nth = 1): KillPoint => ({ step, moment, nth });
const named = (kills: readonly KillPoint[]) => ({ name: kills.map(nameOf).join(', then '), kills });

/** What nobody asks for: the tick alone finds it, and finds it again. */
const TICKS = [
  [at('before', 'store.dueAccounts')],
  [at('before', 'queue.enqueue poll')],
  [at('after', 'queue.enqueue poll')],
  [at('before', 'store.saveTick')],
  [at('after', 'store.saveTick')],
  [at('after', 'store.acquire')],
  [at('after', 'store.release')],
  // Deliveries that nobody was told of.
  [at('before', 'queue.enqueue dispatch'), at('after', 'store.dueWork')],
  [at('before', 'queue.enqueue dispatch'), at('before', 'queue.enqueue dispatch')],
  [at('after', 'store.claim'), at('after', 'store.claim'), at('after', 'store.claim')],
  // Settlements that nobody was told of.
  [at('after', 'store.finish', 4), at('after', 'store.dueWork')],
  [at('after', 'store.finish', 4), at('after', 'queue.enqueue poll')],
].map(named);

describe('killed while only the tick drives it', () => {
  it.concurrent.each(TICKS)('$name, it delivers and settles each mail once', async ({ kills }) => {
    const options = { protocol: 'pop3', onDelivered: { kind: 'delete' }, intervalSeconds: 1 } as const;
    await using world = await CrashWorld.open(players, options);
    // The one that comes after the first crash counts as well.
    await world.crashAndRecover({ kind: 'wait', messages: world.placed.length + 1 }, kills);
    await expectExactlyOnce(world);
  });
});

/** Deliveries of a webhook that are taken at once: two jobs of ten. */
const AT_ONCE = 20;
const PARKED = 3;

const GATES = [
  [at('after', 'store.finish')],
  [at('after', 'store.finish', AT_ONCE)],
  [at('after', 'store.claim', 3)],
  [at('before', 'store.releaseParked')],
  [at('after', 'store.releaseParked')],
  [at('after', 'store.releaseParked'), at('after', 'store.releaseParked')],
].map(named);

/** Asks for everything again in a second, until so many requests have come. */
function busyAtFirst(count: number) {
  let asked = 0;
  return (_request: ReceivedRequest) => {
    asked += 1;
    return asked <= count ? { status: 503, headers: { 'retry-after': '1' } } : 200;
  };
}

describe('killed while deliveries are parked behind a gate', () => {
  const mails = Array.from({ length: AT_ONCE + PARKED }, (_, number) => mailOf(`mail ${number}`, 'settled'));
  it.concurrent.each(GATES)('$name, it delivers and settles each mail once', async ({ kills }) => {
    const options = { protocol: 'imap', onDelivered: { kind: 'mark-seen' }, mails } as const;
    await using world = await CrashWorld.open(players, { ...options, answer: busyAtFirst(AT_ONCE) });
    await world.crashAndRecover({ kind: 'poll', account: world.accountId }, kills);
    expect(world.receiver.requests.length).toBeGreaterThan(mails.length);
    await expectExactlyOnce(world, AT_ONCE);
  });
});
