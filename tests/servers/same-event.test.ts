import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Envelope, MessageData } from '../../shared/event.ts';
import type { AccountId } from '../../shared/identity.ts';
import { type Dovecot, startDovecot } from '../support/dovecot.ts';
import { readEvent } from '../support/event-schema.ts';
import { CLASS_NAMES, generateCorpus } from '../support/mime-corpus.ts';
import { openPollWorld, PASSWORD, type PollWorld } from '../support/poll-world.ts';

const SEED = 9;
const PER_CLASS = 12;
const USER = 'ana';

let dovecot: Dovecot;
beforeAll(async () => {
  dovecot = await startDovecot({ users: { [USER]: { password: PASSWORD } } });
});
afterAll(() => dovecot.stop());

/** Polls until nothing is new; the events of the account, oldest first. */
async function eventsOf(world: PollWorld, id: AccountId): Promise<MessageData[]> {
  let report = await world.poll(id);
  while (report?.outcome === 'ok' && report.committed > 0) report = await world.poll(id);
  expect(report?.outcome).toBe('ok');
  const views = (await world.messages()).filter(({ event }) => event.accountId === id);
  const events = await Promise.all(views.map(({ event }) => world.deps.blobs.read(event.body)));
  return events.map((bytes) => (readEvent(bytes) as Envelope<MessageData>).data);
}

/** An event without what names or dates its source. */
function content(data: MessageData): Partial<MessageData> {
  const { id, account, source, receivedAt, flags, labels, size, raw, attachments, ...rest } = data;
  return { ...rest, attachments: attachments.map((file) => ({ ...file, href: null })) };
}

it('the same mail gives the same event through IMAP and POP3, except for what names or dates its source', async () => {
  await using world = await openPollWorld();
  const imap = await world.add({ protocol: 'imap', port: dovecot.ports.imap, username: USER });
  const pop3 = await world.add({
    protocol: 'pop3',
    port: dovecot.ports.pop3,
    username: USER,
    name: 'ana-pop3',
  });
  // IMAP has no NUL (RFC 9051 section 4.3): servers put another byte in its place, POP3 gives it as it is.
  const mails = generateCorpus(SEED, PER_CLASS * CLASS_NAMES.length)
    .filter(({ className }) => className !== 'NUL bytes')
    .map(({ bytes }) => bytes);
  await dovecot.deliverAll(USER, mails);
  const [overImap, overPop3] = [await eventsOf(world, imap.id), await eventsOf(world, pop3.id)];
  expect(overImap).toHaveLength(mails.length);
  expect(overPop3.map(content)).toEqual(overImap.map(content));
  expect(new Set([...overImap, ...overPop3].map(({ id }) => id)).size).toBe(2 * mails.length);
});
