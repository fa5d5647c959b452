import { describe, expect, it } from 'vitest';
import type { ImapCursor, MailSource } from '../../../../../shared/ports/mail-source.ts';
import {
  answer,
  cleanUpAfterEach,
  cursor,
  listRow,
  loggedIn,
  mail,
  mailError,
  open,
  opened,
  scripted,
  served,
  uidsOf,
} from './imap-support.ts';

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

describe('what a listing asks for', () => {
  it('is nothing when UIDNEXT and EXISTS are as before', async () => {
    const server = await scripted([...loggedIn(), ...opened()]);
    const source = await open(server);

    expect((await source.list('INBOX', cursor())).items).toEqual([]);
    expect(server.received.at(-1)).toMatch(/SELECT/);
  });

  it('is the rest when a backlog was left, though nothing arrived since', async () => {
    const server = await scripted([
      ...loggedIn(),
      ...opened(),
      answer('UID FETCH 1:3 .*', [listRow(1), listRow(2), listRow(3)]),
    ]);
    const source = await open(server);

    const listing = await source.list('INBOX', cursor({ lastUid: 1, recent: [1] }));

    expect(uidsOf(listing)).toEqual([2, 3]);
  });

  it('starts at the overlap window and ends below UIDNEXT', async () => {
    const server = await scripted([
      ...loggedIn(),
      ...opened({ exists: 5, uidNext: 21 }),
      answer('UID FETCH 9:20 \\(UID FLAGS INTERNALDATE RFC822.SIZE\\)', [
        listRow(9),
        listRow(11),
        listRow(20),
      ]),
    ]);
    const source = await open(server);

    const listing = await source.list('INBOX', cursor({ lastUid: 11, recent: [9, 11], uidNext: 12 }));

    expect(uidsOf(listing)).toEqual([20]);
  });

  it('is open-ended without UIDNEXT, and the last known message that comes then is not new', async () => {
    const server = await scripted([
      ...loggedIn(),
      ...opened({ uidNext: null, exists: 1 }),
      answer('UID FETCH 4:\\* .*', [listRow(3)]),
    ]);
    const source = await open(server);

    const listing = await source.list('INBOX', cursor({ recent: [], uidNext: null, exists: 1 }));

    expect(listing.items).toEqual([]);
    expect(listing.next).toMatchObject({ lastUid: 3, uidNext: null });
  });

  it('has labels where the server knows them', async () => {
    const row =
      '* 1 FETCH (X-GM-LABELS ("\\\\Inbox" Work) UID 1 RFC822.SIZE 9 INTERNALDATE "01-Jan-2026 10:00:00 +0000" FLAGS ())';
    const server = await scripted([
      ...loggedIn('X-GM-EXT-1'),
      ...opened({ exists: 1, uidNext: 2 }),
      answer('UID FETCH 1:1 .*X-GM-LABELS.*', [row]),
    ]);
    const source = await open(server);

    expect((await source.list('INBOX', null)).items[0]?.labels).toEqual(['\\Inbox', 'Work']);
  });
});

describe('rows of a listing', () => {
  it.each([
    ['of messages that arrive meanwhile wait for the next listing', ['* 4 EXISTS', listRow(4)]],
    ['of flag changes without UID are left out', ['* 2 FETCH (FLAGS (\\Seen))']],
    ['below the range are left out', [listRow(0)]],
  ])('%s', async (_, extra) => {
    const server = await scripted([
      ...loggedIn(),
      ...opened(),
      answer('UID FETCH 1:3 .*', [listRow(2), ...extra, listRow(1), listRow(3)]),
    ]);
    const source = await open(server);

    const listing = await source.list('INBOX', null);

    expect(uidsOf(listing)).toEqual([1, 2, 3]);
    // imapflow raises its own UIDNEXT when a row with a higher UID goes by.
    expect(listing.next).toMatchObject({ lastUid: 3, uidNext: 4, exists: 3 });
  });

  it('that come in two pieces are one message', async () => {
    const server = await scripted([
      ...loggedIn(),
      ...opened({ exists: 1, uidNext: 2 }),
      answer('UID FETCH 1:1 .*', [listRow(1, 50), '* 1 FETCH (UID 1 FLAGS (\\Seen))']),
    ]);
    const source = await open(server);

    expect((await source.list('INBOX', null)).items).toMatchObject([{ sizeBytes: 50, flags: ['\\Seen'] }]);
  });

  it('without size or date, or with \\Recent, are taken as far as they go', async () => {
    const server = await scripted([
      ...loggedIn(),
      ...opened({ exists: 1, uidNext: 2 }),
      answer('UID FETCH 1:1 .*', ['* 1 FETCH (UID 1 FLAGS (\\Recent \\Flagged) INTERNALDATE "rubbish")']),
    ]);
    const source = await open(server);

    expect((await source.list('INBOX', null)).items).toMatchObject([
      { sizeBytes: null, internalDate: null, flags: ['\\Flagged'] },
    ]);
  });
});

describe('the overlap window', () => {
  it('gives a message whose UID shows up late, once', async () => {
    const rows = [listRow(1), listRow(2), listRow(3), listRow(5)];
    const server = await scripted([
      ...loggedIn(),
      ...opened({ exists: 4, uidNext: 6 }),
      answer('UID FETCH 1:5 .*', rows),
      answer(
        'SELECT INBOX',
        ['* 5 EXISTS', '* OK [UIDNEXT 6] N', '* OK [UIDVALIDITY 7] V'],
        'OK [READ-WRITE] O',
      ),
      answer('UID FETCH 1:5 .*', [...rows, listRow(4)]),
      answer(
        'SELECT INBOX',
        ['* 5 EXISTS', '* OK [UIDNEXT 6] N', '* OK [UIDVALIDITY 7] V'],
        'OK [READ-WRITE] O',
      ),
    ]);
    const source = await open(server);
    const first = await source.list('INBOX', cursor());

    const second = await source.list('INBOX', first.next);
    const third = await source.list('INBOX', second.next);

    expect([uidsOf(first), uidsOf(second), uidsOf(third)]).toEqual([[5], [4], []]);
  });

  it('holds although every message was moved away after it was delivered', async () => {
    const server = await scripted([
      ...loggedIn(),
      ...opened({ exists: 1, uidNext: 6 }),
      answer('UID FETCH 1:5 .*', [listRow(4)]),
    ]);
    const source = await open(server);

    const listing = await source.list(
      'INBOX',
      cursor({ lastUid: 5, recent: [1, 2, 3, 5], uidNext: 6, exists: 0 }),
    );

    expect(uidsOf(listing)).toEqual([4]);
    expect(listing.next).toMatchObject({ recent: [1, 2, 3, 4, 5] });
  });

  it('of UIDNEXT that went back leaves the cursor where it was', async () => {
    const server = await scripted([...loggedIn(), ...opened({ exists: 2, uidNext: 3 })]);
    const source = await open(server);

    const listing = await source.list('INBOX', cursor({ lastUid: 9, recent: [9], uidNext: 10 }));

    expect(listing).toMatchObject({ continuity: 'same', items: [], next: { lastUid: 9, recent: [9] } });
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

describe('mailbox names', () => {
  it('that do not exist are answered with those that do', async () => {
    const mailboxes = Array.from({ length: 30 }, (_, at) => ({ name: `Folder ${at}` }));
    const server = await served({ mailboxes });
    const source = await open(server);

    const error = await mailError(source.list('Flder 1', null));

    expect(error.code).toBe('mailbox');
    expect(error.message).toContain('"Flder 1"');
    expect(error.message).toMatch(/this account has "INBOX", "Folder 0".* and 11 more$/);
  });

  it('are any Unicode, and INBOX is any spelling of it', async () => {
    const server = await served({ mailboxes: [{ name: 'Bücher & Ü/日本' }] });
    server.mailbox('ana', 'Bücher & Ü/日本').add(mail(1));
    const source = await open(server);

    expect(await source.mailboxes()).toEqual(['INBOX', 'Bücher & Ü/日本']);
    expect((await source.list('Bücher & Ü/日本', null)).items).toMatchObject([
      { source: { mailbox: 'Bücher & Ü/日本', uid: 1 } },
    ]);
    expect((await source.list('inbox', null)).next.mailbox).toBe('INBOX');
  });

  it('may be a special use, which sources and cursors then carry', async () => {
    const server = await served({ mailboxes: [{ name: 'Ablage', specialUse: '\\Archive' }] });
    server.mailbox('ana', 'Ablage').add(mail(1));
    const source = await open(server);

    const listing = await source.list('\\Archive', null);

    expect(listing.items).toMatchObject([{ source: { mailbox: '\\Archive' } }]);
    expect(listing.next.mailbox).toBe('\\Archive');
    expect((await mailError(source.list('\\Junk', null))).code).toBe('mailbox');
  });

  it.each(['IN\r\nBOX', 'a\0b', ''])('%j is refused before the wire', async (name) => {
    const server = await scripted(loggedIn());
    const source = await open(server);
    const before = server.received.length;

    expect((await mailError(source.list(name, null))).code).toBe('mailbox');
    expect(server.received).toHaveLength(before);
  });

  it('that may not be opened say why', async () => {
    const server = await scripted([
      ...loggedIn(),
      answer('LIST .*', ['* LIST () "/" INBOX']),
      answer('LSUB .*'),
      answer('SELECT INBOX', [], 'NO [NOPERM] Not for you'),
      answer('LIST .*', ['* LIST () "/" INBOX']),
    ]);
    const source = await open(server);

    expect(await mailError(source.list('INBOX', null))).toMatchObject({
      code: 'mailbox',
      message: expect.stringContaining('Not for you'),
    });
  });
});

it('a listing without end is cut off', async () => {
  const server = await scripted([
    ...loggedIn(),
    ...opened(),
    { expect: /UID FETCH/, send: [`* 1 FETCH (UID 1 FLAGS (${'\\Seen '.repeat(200_000)}))\r\n`] },
  ]);
  const source = await open(server, { deadlines: { commandMs: 5_000 } });

  expect(await mailError(source.list('INBOX', null))).toMatchObject({
    code: 'protocol',
    message: expect.stringContaining('more than is taken'),
  });
});
