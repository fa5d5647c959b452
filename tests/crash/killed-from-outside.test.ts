import { describe, expect, it } from 'vitest';
import { expectExactlyOnce } from './crash-checks.ts';
import { LATE_MAIL } from './crash-mails.ts';
import { usePlayers } from './crash-players.ts';
import { CrashWorld, type WorldOptions } from './crash-world.ts';

const players = usePlayers();

/** Plays a round that is killed once `happened` resolves, and another one. */
async function killOnce(world: CrashWorld, happened: (world: CrashWorld) => Promise<void>): Promise<void> {
  const task = { kind: 'poll', account: world.accountId } as const;
  const running = world.start(task);
  await happened(world);
  running.kill();
  expect(await world.over(running)).toMatchObject({ killed: true });
  world.receiver.release();
  world.arrive(LATE_MAIL);
  await world.play(task, null);
}

/** The first time that something is seen done to a mail on its server. */
function firstAction({ mailbox, placed }: CrashWorld, wanted: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    mailbox.watch(() => {
      if (placed.some(({ action }) => wanted.includes(action()))) resolve();
    });
  });
}

const SETTLING: readonly (WorldOptions & { readonly name: string; readonly seen: readonly string[] })[] = [
  { name: 'a mail was marked', protocol: 'imap', onDelivered: { kind: 'mark-seen' }, seen: ['mark-seen'] },
  {
    name: 'a mail was moved',
    protocol: 'imap',
    onDelivered: { kind: 'move', mailbox: 'Done' },
    seen: ['move'],
  },
  {
    name: 'a mail was copied by a server that cannot move',
    protocol: 'imap',
    onDelivered: { kind: 'move', mailbox: 'Done' },
    move: false,
    seen: ['twice'],
  },
  { name: 'a mail was deleted', protocol: 'imap', onDelivered: { kind: 'delete' }, seen: ['delete'] },
  { name: 'QUIT deleted the mails', protocol: 'pop3', onDelivered: { kind: 'delete' }, seen: ['delete'] },
];

describe('killed at the moment when', () => {
  it.concurrent.each(SETTLING)(
    '$name ($protocol), it settles each mail once',
    async ({ seen, ...options }) => {
      await using world = await CrashWorld.open(players, options);
      await killOnce(world, () => firstAction(world, seen));
      await expectExactlyOnce(world);
    },
  );

  it.concurrent.each(['imap', 'pop3'] as const)(
    'the receiver has not answered yet (%s)',
    async (protocol) => {
      await using world = await CrashWorld.open(players, { protocol, onDelivered: { kind: 'delete' } });
      world.receiver.withhold();
      await killOnce(world, ({ receiver }) => receiver.whenReceived(1));
      await expectExactlyOnce(world);
    },
  );
});
