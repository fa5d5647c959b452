import { describe, expect, it } from 'vitest';
import { formatServerAction, type ServerAction } from '../../shared/account.ts';
import type { Protocol } from '../../shared/identity.ts';
import { PASSWORD } from '../support/poll-world.ts';
import { expectExactlyOnce } from './crash-checks.ts';
import { USERNAME } from './crash-mailbox.ts';
import { MAILS } from './crash-mails.ts';
import { usePlayers } from './crash-players.ts';
import { ADD_STEPS, killPointsOf, nameOf, stepsOf } from './crash-steps.ts';
import { CrashWorld } from './crash-world.ts';

const MINUTE_MS = 60_000;
const SETUPS: readonly { readonly protocol: Protocol; readonly onDelivered: ServerAction }[] = [
  { protocol: 'imap', onDelivered: { kind: 'mark-seen' } },
  { protocol: 'pop3', onDelivered: { kind: 'delete' } },
];
/** What happens beside the request, or below the ports. */
const OTHERS = /^(store\.(lastTick|dueAccounts|dueWork|saveTick)|queue\.|pack\.|sqlite\.)/;

const players = usePlayers();

function request({ mailbox, options }: CrashWorld) {
  const { protocol, onDelivered } = options;
  const login = { protocol, host: '127.0.0.1', port: mailbox.port, username: USERNAME, password: PASSWORD };
  const settings = { security: 'none', intervalSeconds: 5, onDelivered: formatServerAction(onDelivered) };
  return { kind: 'add', attempt: { name: 'crash', ...login, ...settings } } as const;
}

async function expectDeliversWhatComesNow(world: CrashWorld): Promise<void> {
  for (const mail of MAILS) world.arrive(mail);
  await world.play({ kind: 'poll', account: world.accountId }, null);
  await expectExactlyOnce(world);
}

describe.each(SETUPS)('killed while it adds an account for $protocol', (setup) => {
  const { protocol } = setup;

  it('takes the steps that the kill points are made of, and no other', async () => {
    await using world = await CrashWorld.open(players, { ...setup, mails: null });
    const { steps, result } = await world.play(request(world), null);
    expect(result).toMatchObject({ status: 201 });
    const taken = new Set(steps.map(({ step }) => step).filter((step) => !OTHERS.test(step)));
    expect([...taken].sort()).toEqual(stepsOf(ADD_STEPS, protocol).sort());
    await expectDeliversWhatComesNow(world);
  });

  const points = killPointsOf(ADD_STEPS, protocol).map((kill) => ({ name: nameOf(kill), kill }));
  it.concurrent.each(points)(
    '$name, it leaves nothing that polls and can be added again',
    async ({ kill }) => {
      await using world = await CrashWorld.open(players, { ...setup, mails: null });
      await world.play(request(world), kill);
      const isAdded = nameOf(kill) === 'after store.updateAccount';
      const left = await world.inFolder(({ store }) => store.account(world.accountId));
      if (isAdded) expect(left).toMatchObject({ state: 'active', reason: null });
      else expect(left?.state ?? 'paused').toBe('paused');

      // A minute later its slot has come, whatever second that is.
      const { steps } = await world.play({ kind: 'tick' }, null, { clockAheadMs: MINUTE_MS });
      expect(steps.some(({ step }) => step.startsWith('openSource'))).toBe(isAdded);

      const again = await world.play(request(world), null, { clockAheadMs: 16 * MINUTE_MS });
      expect(again.result).toMatchObject({ status: isAdded ? 409 : 201 });
      await expectDeliversWhatComesNow(world);
    },
  );
});
