import { afterEach, beforeEach, expect, it } from 'vitest';
import { pollAccount } from '../../../functions/poll/poll.ts';
import { GO, openPollScene, type PollScene } from '../../support/poll-scene.ts';
import { addWebhook } from '../../support/poll-world.ts';
import { createRecordingLog } from '../../support/recording-log.ts';

let scene: PollScene;

beforeEach(async () => {
  scene = await openPollScene();
});
afterEach(() => scene[Symbol.asyncDispose]());

it('says in the log of which message a settlement failed and why', async () => {
  await addWebhook(scene.world);
  const { id } = await scene.add({ onDelivered: { kind: 'move', mailbox: '\\Junk' } });
  scene.arrive(1);
  await scene.world.poll(id);
  await scene.deliverAll();
  const log = createRecordingLog();

  await pollAccount({ ...scene.world.deps, log }, id, 'manual', GO);

  const [message] = await scene.world.messages();
  expect(log.lines.filter(({ level }) => level === 'warn')).toEqual([
    {
      level: 'warn',
      event: 'settlement.failed',
      account: id,
      id: message?.event.id,
      action: 'move',
      error: 'no mailbox has the use \\Junk; this account has "INBOX"',
    },
  ]);
});
