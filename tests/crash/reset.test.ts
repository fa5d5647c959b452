import { describe, expect, it } from 'vitest';
import { LATE_MAIL } from './crash-mails.ts';
import { usePlayers } from './crash-players.ts';
import { type KillPoint, type Moment, nameOf } from './crash-steps.ts';
import { CrashWorld } from './crash-world.ts';

const players = usePlayers();

const at = (moment: Moment, step: string, nth = 1): KillPoint => ({ step, moment, nth });
/** The first commit is that of `mailbox.reset`, the second that of the new mail. */
const POINTS = [
  at('before', 'store.commit'),
  at('after', 'store.commit'),
  at('before', 'store.commit', 2),
  at('after', 'store.commit', 2),
  at('before', 'store.saveProgress cursor'),
  at('after', 'store.saveProgress cursor'),
  at('before', 'store.release'),
  at('after', 'store.release'),
].map((kill) => ({ name: nameOf(kill), kill }));

describe('killed after UIDVALIDITY changed', () => {
  it.concurrent.each(POINTS)(
    '$name, it tells of the reset and of the new mail, and of no other',
    async ({ kill }) => {
      await using world = await CrashWorld.open(players, { protocol: 'imap', onDelivered: { kind: 'none' } });
      const task = { kind: 'poll', account: world.accountId } as const;
      await world.play(task, null);
      const { accepted, requests, faults } = world.receiver;
      const before = new Set(accepted.keys());
      world.mailbox.renumber();
      world.arrive(LATE_MAIL);

      await world.play(task, kill);
      await world.play(task, null);

      expect(faults).toEqual([]);
      const fresh = [...accepted.keys()].filter((id) => !before.has(id));
      const types = fresh.map(
        (id) => requests.find((request) => request.id === id)?.headers['mailhook-event-type'],
      );
      expect(types.sort()).toEqual(['mailbox.reset', 'message.received']);
      expect(fresh).toContain(world.placed.at(-1)?.id);
      expect(requests.filter(({ id }) => before.has(id))).toHaveLength(before.size + 1);
    },
  );
});
