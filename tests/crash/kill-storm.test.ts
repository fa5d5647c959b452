import { describe, expect, it } from 'vitest';
import type { ServerAction } from '../../shared/account.ts';
import type { Protocol } from '../../shared/identity.ts';
import { expectExactlyOnce } from './crash-checks.ts';
import { mailOf } from './crash-mails.ts';
import { usePlayers } from './crash-players.ts';
import { CrashWorld } from './crash-world.ts';

const SETUPS: readonly { readonly protocol: Protocol; readonly onDelivered: ServerAction }[] = [
  { protocol: 'imap', onDelivered: { kind: 'move', mailbox: 'Done' } },
  { protocol: 'pop3', onDelivered: { kind: 'delete' } },
];
/** A poll with deliveries and settlements makes more commits than this; the first is that of opening the folder. */
const COMMITS = 11;

const players = usePlayers();

describe.each(SETUPS)('killed at one commit of the database after another ($protocol)', (setup) => {
  it.concurrent.each(['before', 'after'] as const)(
    'that is, each time %s it, it delivers and settles each mail once',
    async (moment) => {
      await using world = await CrashWorld.open(players, setup);
      const task = { kind: 'poll', account: world.accountId } as const;
      for (let nth = 1; nth <= COMMITS; nth++) {
        await world.play(task, { step: 'sqlite.commit', moment, nth });
        // So that every start has something of everything to do.
        world.arrive(mailOf(`mail ${nth}`, 'settled'));
      }
      await world.play(task, null);
      expect(world.rounds.filter(({ killed }) => killed)).toHaveLength(COMMITS);
      await expectExactlyOnce(world);
    },
  );
});
