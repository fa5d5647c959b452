import { describe, expect, it } from 'vitest';
import { answer, listRow, loggedIn, opened } from './imap-script.ts';
import { cleanUpAfterEach, cursor, mailError, open, scripted, uidsOf } from './imap-support.ts';

cleanUpAfterEach();

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

it('a listing without end is cut off', async () => {
  const server = await scripted([
    ...loggedIn(),
    ...opened(),
    { expect: /UID FETCH/, send: [`* 1 FETCH (UID 1 FLAGS (${'\\Seen '.repeat(200_000)}))\r\n`] },
  ]);
  const source = await open(server);

  expect(await mailError(source.list('INBOX', null))).toMatchObject({
    code: 'protocol',
    message: expect.stringContaining('more than is taken'),
  });
});
