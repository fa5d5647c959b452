import { describe, expect, it } from 'vitest';
import type { ServerAction } from '../../shared/account.ts';
import type { Protocol } from '../../shared/identity.ts';
import { expectExactlyOnce } from './crash-checks.ts';
import { mailOf } from './crash-mails.ts';
import { usePlayers } from './crash-players.ts';
import { DELIVERY_STEPS, killPointsOf, nameOf, stepsOf } from './crash-steps.ts';
import { CrashWorld } from './crash-world.ts';

const SETUPS: readonly { readonly protocol: Protocol; readonly onDelivered: ServerAction }[] = [
  { protocol: 'imap', onDelivered: { kind: 'move', mailbox: 'Done' } },
  { protocol: 'pop3', onDelivered: { kind: 'delete' } },
];

const players = usePlayers();

describe.each(SETUPS)('killed while it delivers from $protocol', (setup) => {
  const { protocol } = setup;

  it('takes the steps that the kill points are made of, and no other', async () => {
    await using world = await CrashWorld.open(players, setup);
    const { steps } = await world.play({ kind: 'poll', account: world.accountId }, null);
    const others = new Set(['sqlite.commit', 'queue.enqueue poll']);
    const taken = new Set(steps.map(({ step }) => step).filter((step) => !others.has(step)));
    expect([...taken].sort()).toEqual(stepsOf(DELIVERY_STEPS, protocol).sort());
    await expectExactlyOnce(world);
  });

  const points = killPointsOf(DELIVERY_STEPS, protocol).map((kill) => ({ name: nameOf(kill), kill }));
  it.concurrent.each(points)(
    '$name, it delivers and settles each mail once after a restart',
    async ({ kill }) => {
      await using world = await CrashWorld.open(players, setup);
      await world.crashAndRecover({ kind: 'poll', account: world.accountId }, [kill]);
      await expectExactlyOnce(world);
    },
  );
});

describe('killed while it marks mails as read', () => {
  const steps = ['store.finish', 'source.settle', 'source.close settling', 'store.saveProgress settled'];
  const points = killPointsOf(DELIVERY_STEPS, 'imap').filter(({ step }) => steps.includes(step));
  const rows = points.map((kill) => ({ name: nameOf(kill), kill }));
  it.concurrent.each(rows)('$name, it marks each delivered mail after a restart', async ({ kill }) => {
    const setup = { protocol: 'imap', onDelivered: { kind: 'mark-seen' } } as const;
    await using world = await CrashWorld.open(players, setup);
    await world.crashAndRecover({ kind: 'poll', account: world.accountId }, [kill]);
    await expectExactlyOnce(world);
  });
});

describe.each(SETUPS)('killed in the middle of a catch-up from $protocol', (setup) => {
  // More than two batches of 50.
  const mails = Array.from({ length: 120 }, (_, number) => mailOf(`mail ${number}`, 'settled'));
  const rows = [
    { name: 'after the first commit', kill: { step: 'store.commit', moment: 'after', nth: 1 } },
    { name: 'before the second commit', kill: { step: 'store.commit', moment: 'before', nth: 2 } },
    { name: 'after the second commit', kill: { step: 'store.commit', moment: 'after', nth: 2 } },
    { name: 'before the last cursor', kill: { step: 'store.saveProgress cursor', moment: 'before', nth: 1 } },
  ] as const;
  it.concurrent.each(rows)(
    '$name, it delivers and settles each mail once after a restart',
    async ({ kill }) => {
      await using world = await CrashWorld.open(players, { ...setup, mails });
      await world.crashAndRecover({ kind: 'poll', account: world.accountId }, [kill]);
      await expectExactlyOnce(world);
    },
  );
});
