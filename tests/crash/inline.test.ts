import { expect, it } from 'vitest';
import type { Envelope, MessageData } from '../../shared/event.ts';
import { attachedMails } from '../support/attached-mails.ts';
import { expectExactlyOnce } from './crash-checks.ts';
import { usePlayers } from './crash-players.ts';
import { nameOf } from './crash-steps.ts';
import { CrashWorld } from './crash-world.ts';

const players = usePlayers();
const MAILS = attachedMails()
  .filter(({ subject }) => ['base64', 'many'].includes(subject))
  .map(({ subject, raw }) => ({ subject, raw, fate: 'settled' as const }));

const POINTS = (
  [
    ['blobs.put body', 'before'],
    ['blobs.put body', 'after'],
    ['store.freeze', 'before'],
    ['store.freeze', 'after'],
    ['post.post', 'before'],
    ['post.post', 'after'],
  ] as const
).map(([step, moment]) => ({ kill: { step, moment, nth: 1 } }));

it.concurrent.each(POINTS.map(({ kill }) => ({ name: nameOf(kill), kill })))(
  'killed $name, an event with its attachments inside is the same at every attempt',
  async ({ kill }) => {
    const setup = { protocol: 'imap', onDelivered: { kind: 'mark-seen' } } as const;
    await using world = await CrashWorld.open(players, { ...setup, attachments: 'inline', mails: MAILS });
    await world.crashAndRecover({ kind: 'poll', account: world.accountId }, [kill]);
    await expectExactlyOnce(world);
    for (const { body } of world.receiver.requests) {
      const { data } = JSON.parse(body.toString()) as Envelope<MessageData>;
      expect(data.attachments.every(({ content }) => content !== null)).toBe(true);
    }
  },
);
