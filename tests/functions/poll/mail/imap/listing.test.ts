import { describe, expect, it } from 'vitest';
import type { ImapCursor, MailSource } from '../../../../../shared/ports/mail-source.ts';
import { answer, listRow, loggedIn, opened } from './imap-script.ts';
import { cleanUpAfterEach, cursor, mail, mailError, open, scripted, served, uidsOf } from './imap-support.ts';

cleanUpAfterEach();

async function nextCursor(source: MailSource, from: ImapCursor | null = null): Promise<ImapCursor> {
  const { next } = await source.list('INBOX', from);
  if (next.protocol !== 'imap') throw new Error('An IMAP cursor was expected');
  return next;
}

describe('a mailbox that behaves', () => {
  it('is listed whole with no cursor, with what is known of each message', async () => {
    const server = await served();
    const inbox = server.mailbox('ana');
    inbox.add(mail(1), { flags: ['\\Seen', '$Work'], receivedAt: new Date('2026-03-01T08:30:00Z') });
    inbox.add(mail(2));
    const source = await open(server);

    const listing = await source.list('INBOX', null);

    expect(listing).toMatchObject({ continuity: 'same', exists: 2 });
    expect(listing.items[0]).toEqual({
      source: { protocol: 'imap', mailbox: 'INBOX', uidValidity: String(inbox.uidValidity), uid: 1 },
      sizeBytes: mail(1).length,
      internalDate: '2026-03-01T08:30:00.000Z',
      flags: ['\\Seen', '$Work'],
      labels: [],
      backfill: false,
    });
    expect(listing.next).toEqual({
      protocol: 'imap',
      mailbox: 'INBOX',
      uidValidity: String(inbox.uidValidity),
      lastUid: 2,
      recent: [1, 2],
      uidNext: 3,
      exists: 2,
      mailboxId: null,
      backfill: null,
    });
  });

  it('gives nothing in 100 polls without mail, and then each mail once', async () => {
    const server = await served({ mails: [mail(1), mail(2)] });
    const source = await open(server);
    let known = await nextCursor(source);
    for (let poll = 0; poll < 100; poll++) {
      const listing = await source.list('INBOX', known);
      expect(listing.items).toEqual([]);
      known = listing.next as ImapCursor;
    }

    server.mailbox('ana').add(mail(3));

    const listing = await source.list('INBOX', known);
    expect(uidsOf(listing)).toEqual([3]);
    expect(uidsOf(await source.list('INBOX', listing.next))).toEqual([]);
  });

  it('is found empty, and the first mail after that is new', async () => {
    const server = await served();
    const source = await open(server);

    const listing = await source.list('INBOX', null);
    server.mailbox('ana').add(mail(1));

    expect(listing).toMatchObject({ items: [], exists: 0, next: { lastUid: 0, recent: [], uidNext: 1 } });
    expect(uidsOf(await source.list('INBOX', listing.next))).toEqual([1]);
  });

  it('gives new mail whatever its flags and dates say', async () => {
    const server = await served({ mails: [mail(1)] });
    const source = await open(server);
    const known = await nextCursor(source);

    const old = { receivedAt: new Date('2001-01-01T00:00:00Z'), flags: ['\\Seen', '\\Deleted'] };
    server.mailbox('ana').add(mail(2), old);

    expect(uidsOf(await source.list('INBOX', known))).toEqual([2]);
  });

  it('another deletion beside a new mail changes nothing of it', async () => {
    const server = await served({ mails: [mail(1), mail(2)] });
    const source = await open(server);
    const known = await nextCursor(source);

    server.mailbox('ana').remove([1]);
    server.mailbox('ana').add(mail(3));

    expect(uidsOf(await source.list('INBOX', known))).toEqual([3]);
  });

  it('keeps the last 128 known UIDs', async () => {
    const server = await served({ mails: Array.from({ length: 200 }, (_, at) => mail(at)) });
    const source = await open(server);

    const known = await nextCursor(source);

    expect(known.recent).toHaveLength(128);
    expect(known.recent.at(0)).toBe(73);
    expect(known.recent.at(-1)).toBe(200);
  });

  it('is opened with EXAMINE when nothing will be changed, and with SELECT otherwise', async () => {
    for (const [readOnly, command] of [
      [true, 'EXAMINE'],
      [false, 'SELECT'],
    ] as const) {
      const server = await scripted([...loggedIn(), ...opened({ exists: 0, uidNext: 1 })]);
      const source = await open(server, { readOnly });

      await source.list('inbox', null);

      expect(server.received.at(-1)).toMatch(new RegExp(`^\\w+ ${command} INBOX$`));
    }
  });
});

describe('continuity', () => {
  it('breaks with another UIDVALIDITY: everything is listed, and nothing of the cursor counts', async () => {
    const server = await served({ mails: [mail(1), mail(2), mail(3)] });
    const source = await open(server);
    const known = await nextCursor(source);

    server.mailbox('ana').remove([1]);
    server.mailbox('ana').renumber();
    const backfill = { untilUid: 100, since: null };
    const listing = await source.list('INBOX', { ...known, backfill });

    expect(listing.continuity).toBe('reset');
    expect(uidsOf(listing)).toEqual([1, 2]);
    expect(listing.items.every((one) => !one.backfill)).toBe(true);
    expect(listing.next).toMatchObject({ lastUid: 2, recent: [1, 2], backfill: null });
  });

  it.each([
    ['another', 'F2', 'F1', 'reset'],
    ['the same', 'F1', 'F1', 'same'],
    ['one where there was none', 'F1', null, 'same'],
  ] as const)('with %s MAILBOXID is %s', async (_, now, before, continuity) => {
    const server = await scripted([
      ...loggedIn('OBJECTID'),
      ...opened({ more: [`* OK [MAILBOXID (${now})] Id`] }),
      ...(continuity === 'reset'
        ? [
            answer(
              'UID FETCH 1:3 .*',
              [1, 2, 3].map((uid) => listRow(uid)),
            ),
          ]
        : []),
    ]);
    const source = await open(server);

    const listing = await source.list('INBOX', cursor({ mailboxId: before }));

    expect(listing.continuity).toBe(continuity);
    expect(listing.next).toMatchObject({ mailboxId: now });
    expect(listing.items).toHaveLength(continuity === 'reset' ? 3 : 0);
  });

  it('cannot be told without UIDVALIDITY, and that is said', async () => {
    const server = await served({}, { quirks: { uidValidity: false } });
    const source = await open(server);

    expect(await mailError(source.list('INBOX', null))).toMatchObject({
      code: 'protocol',
      message: expect.stringContaining('UIDVALIDITY'),
    });
  });
});

describe('a backfill', () => {
  it('marks what was there before and leaves out what came in before `since`', async () => {
    const server = await served();
    const inbox = server.mailbox('ana');
    for (const day of ['01', '02', '03'])
      inbox.add(mail(1), { receivedAt: new Date(`2026-01-${day}T00:00:00Z`) });
    const source = await open(server);
    const known = await nextCursor(source);
    inbox.add(mail(4), { receivedAt: new Date('1999-01-01T00:00:00Z') });
    const backfill = { untilUid: 3, since: '2026-01-02T00:00:00.000Z' };

    const listing = await source.list('INBOX', { ...known, lastUid: 0, recent: [], uidNext: null, backfill });

    expect(listing.items.map((one) => [one.source, one.backfill])).toMatchObject([
      [{ uid: 2 }, true],
      [{ uid: 3 }, true],
      [{ uid: 4 }, false],
    ]);
    expect(listing.next).toMatchObject({ lastUid: 4, recent: [1, 2, 3, 4], backfill });
  });
});
