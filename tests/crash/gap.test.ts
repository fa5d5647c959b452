import { describe, expect, it } from 'vitest';
import type { ServerAction } from '../../shared/account.ts';
import type { Protocol } from '../../shared/identity.ts';
import { expectExactlyOnce } from './crash-checks.ts';
import { usePlayers } from './crash-players.ts';
import { type KillPoint, type Moment, nameOf } from './crash-steps.ts';
import { CrashWorld } from './crash-world.ts';

const SETUPS: readonly { readonly protocol: Protocol; readonly onDelivered: ServerAction }[] = [
  { protocol: 'imap', onDelivered: { kind: 'move', mailbox: 'Done' } },
  { protocol: 'pop3', onDelivered: { kind: 'delete' } },
];
/** A message that could not be fetched is tried again after a minute. */
const RETRIED_MS = 65_000;

const players = usePlayers();

const at = (moment: Moment, step: string): KillPoint => ({ step, moment, nth: 1 });
/** In the poll that leaves the gap, or in the one that closes it. */
const POINTS: readonly { readonly opening: KillPoint | null; readonly closing: KillPoint | null }[] = [
  { opening: at('after', 'store.commit'), closing: null },
  { opening: at('before', 'store.saveProgress cursor'), closing: null },
  { opening: at('after', 'store.saveProgress cursor'), closing: null },
  { opening: null, closing: at('before', 'store.commit') },
  { opening: null, closing: at('after', 'store.commit') },
  { opening: null, closing: at('before', 'store.saveProgress settled') },
  { opening: null, closing: at('after', 'store.saveProgress settled') },
];
const rows = POINTS.map(({ opening, closing }) => ({
  name:
    opening === null ? `${closing && nameOf(closing)}, closing the gap` : `${nameOf(opening)}, opening it`,
  opening,
  closing,
}));

describe.each(SETUPS)('killed around a mail that cannot be fetched at first ($protocol)', (setup) => {
  it.concurrent.each(rows)('$name, it delivers and settles each mail once', async ({ opening, closing }) => {
    await using world = await CrashWorld.open(players, setup);
    const task = { kind: 'poll', account: world.accountId } as const;
    const gap = world.placed.find(({ mail }) => mail.subject === 'large');
    const unreadable = gap?.source ?? null;
    if (opening !== null) await world.play(task, opening, { unreadable });
    await world.play(task, null, { unreadable });
    expect(world.receiver.accepted.size).toBe(2);

    if (closing !== null) await world.play(task, closing, { clockAheadMs: RETRIED_MS });
    await world.play(task, null, { clockAheadMs: RETRIED_MS });
    await expectExactlyOnce(world);
  });
});
