import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ImapServerMailbox } from '../../../../../local/demo/imap/store.ts';
import type { Cursor, MailSource } from '../../../../../shared/ports/mail-source.ts';
import { cleanUpAfterEach, mail, open, served, uidsOf } from './imap-support.ts';

cleanUpAfterEach();

/** What happens to a mailbox between polls, or a poll. */
const event = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('arrive' as const), count: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('expunge' as const), nth: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('renumber' as const) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('poll' as const) }) },
);
type Happening = typeof event extends fc.Arbitrary<infer Value> ? Value : never;

/** What a poller knows: its cursor, and the UIDs it was given since continuity last broke. */
interface Poller {
  cursor: Cursor | null;
  listed: Set<number>;
}

function happen(inbox: ImapServerMailbox, one: Exclude<Happening, { kind: 'poll' }>): void {
  if (one.kind === 'renumber') inbox.renumber();
  if (one.kind === 'arrive') for (let at = 0; at < one.count; at++) inbox.add(mail(at));
  if (one.kind === 'expunge') {
    const { mails } = inbox;
    const victim = mails[one.nth % Math.max(1, mails.length)];
    if (victim !== undefined) inbox.remove([victim.uid]);
  }
}

async function poll(source: MailSource, inbox: ImapServerMailbox, poller: Poller): Promise<void> {
  const listing = await source.list('INBOX', poller.cursor);
  if (listing.continuity === 'reset') poller.listed = new Set();
  const uids = uidsOf(listing);
  expect(uids.filter((uid) => poller.listed.has(uid))).toEqual([]);
  for (const uid of uids) poller.listed.add(uid);
  expect(inbox.mails.map(({ uid }) => uid).filter((uid) => !poller.listed.has(uid))).toEqual([]);
  poller.cursor = listing.next;
}

it('whatever happens between polls, every message that is still there is listed once', async () => {
  const events = fc.array(event, { minLength: 1, maxLength: 25 });
  const property = fc.asyncProperty(events, fc.boolean(), async (happenings, uidNext) => {
    const server = await served({ mails: [mail(0)] }, { quirks: { uidNext } });
    const inbox = server.mailbox('ana');
    const source = await open(server);
    const poller: Poller = { cursor: null, listed: new Set() };
    await poll(source, inbox, poller);
    for (const one of happenings) {
      if (one.kind === 'poll') await poll(source, inbox, poller);
      else happen(inbox, one);
    }
    await poll(source, inbox, poller);
  });
  await fc.assert(property, { numRuns: 25 });
});
