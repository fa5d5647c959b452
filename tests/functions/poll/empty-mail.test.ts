import { describe, expect, it } from 'vitest';
import { startImapServer } from '../../../local/demo/imap-server.ts';
import { startPop3Server } from '../../../local/demo/pop3-server.ts';
import { openPollWorld, PASSWORD, type PollWorld, smallMail } from '../../support/poll-world.ts';

const USERS = { ana: { password: PASSWORD } };

async function eventsOf(world: PollWorld) {
  const messages = await world.messages();
  const bodies = await Promise.all(messages.map(({ event }) => world.deps.blobs.read(event.body)));
  return bodies.map((body) => JSON.parse(Buffer.from(body).toString()));
}

describe('a mail of 0 bytes', () => {
  it.each(['imap', 'pop3'] as const)('is an event like any other over %s', async (protocol) => {
    await using world = await openPollWorld();
    const [imap, pop3] = [await startImapServer({ users: USERS }), await startPop3Server({ users: USERS })];
    const port = protocol === 'imap' ? imap.port : pop3.port;
    const { id } = await world.add({ protocol, port, username: 'ana' });
    for (const mail of [smallMail(1), Buffer.alloc(0), smallMail(2)]) {
      imap.mailbox('ana').add(mail);
      pop3.add('ana', mail);
    }
    expect(await world.poll(id)).toMatchObject({ outcome: 'ok', committed: 3 });
    const events = await eventsOf(world);
    expect(events.map(({ data }) => data.subject)).toEqual(['mail 1', null, 'mail 2']);
    const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    expect(events[1]).toMatchObject({
      type: 'message.received',
      data: { size: 0, raw: { sha256 }, headers: [], text: null, html: null, attachments: [] },
    });
    const raw = (await world.messages())[1]?.event.raw;
    expect(raw && (await world.deps.blobs.read(raw)).length).toBe(0);
    expect((await world.deps.store.pollState(id, world.clock.now())).gaps).toEqual([]);
    imap.mailbox('ana').renumber();
    await world.poll(id);
    expect((await world.messages()).length).toBe(3);
    await Promise.all([imap.close(), pop3.close()]);
  });
});
