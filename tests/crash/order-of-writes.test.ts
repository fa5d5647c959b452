import { afterAll, describe, expect, it } from 'vitest';
import type { ServerAction } from '../../shared/account.ts';
import type { Protocol } from '../../shared/identity.ts';
import { expectExactlyOnce } from './crash-checks.ts';
import { Players } from './crash-process.ts';
import { DELIVERY_STEPS, killPointsOf, nameOf, stepsOf } from './crash-steps.ts';
import { CrashWorld } from './crash-world.ts';

const SETUPS: readonly { readonly protocol: Protocol; readonly onDelivered: ServerAction }[] = [
  { protocol: 'imap', onDelivered: { kind: 'move', mailbox: 'Done' } },
  { protocol: 'pop3', onDelivered: { kind: 'delete' } },
];

const players = new Players();
afterAll(() => players[Symbol.asyncDispose]());

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
