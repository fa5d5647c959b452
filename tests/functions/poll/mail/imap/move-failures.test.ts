import { describe, expect, it } from 'vitest';
import type { Action } from '../../../../../shared/ports/mail-source.ts';
import { answer, loggedIn, opened } from './imap-script.ts';
import { cleanUpAfterEach, item, open, scripted } from './imap-support.ts';

cleanUpAfterEach();

function scriptedMove(uid: number, mailbox: string): Action {
  return { key: String(uid), source: item(uid).source, action: { kind: 'move', mailbox } };
}

describe('what goes wrong on the wire', () => {
  const target = answer('LIST "" "\\*"', ['* LIST () "/" INBOX', '* LIST () "/" Done']);
  const subscribed = answer('LSUB .*');
  const there = answer('UID FETCH 1 \\(UID FLAGS\\)', ['* 1 FETCH (UID 1 FLAGS ())']);

  it.each([
    ['NO [OVERQUOTA] Full', 'retry'],
    ['NO [NOPERM] Not yours', 'refused'],
  ])('MOVE answered with %s comes to %s', async (completion, result) => {
    const server = await scripted([
      ...loggedIn('MOVE'),
      ...opened(),
      target,
      subscribed,
      there,
      answer('UID MOVE 1 Done', [], completion),
      there,
    ]);
    const source = await open(server);

    expect(await source.settle([scriptedMove(1, 'Done')])).toMatchObject([{ result }]);
  });

  it('MOVE that does not say what it moved is looked at', async () => {
    const server = await scripted([
      ...loggedIn('MOVE'),
      ...opened(),
      target,
      subscribed,
      answer(
        'UID FETCH 1:3 \\(UID FLAGS\\)',
        [1, 2, 3].map((uid) => `* ${uid} FETCH (UID ${uid} FLAGS ())`),
      ),
      answer('UID MOVE 1:3 Done', ['* OK [COPYUID 9 1 11] Moved', '* 1 EXPUNGE']),
      answer('UID FETCH 2:3 \\(UID FLAGS\\)', ['* 2 FETCH (UID 3 FLAGS ())']),
    ]);
    const source = await open(server);

    const results = await source.settle([1, 2, 3].map((uid) => scriptedMove(uid, 'Done')));

    expect(results.map(({ result }) => result)).toEqual(['done', 'done', 'retry']);
  });

  it('COPY answered with NO leaves the original alone', async () => {
    const server = await scripted([
      ...loggedIn('UIDPLUS'),
      ...opened(),
      target,
      subscribed,
      there,
      answer('UID FETCH 1 \\(UID RFC822\\.SIZE\\)', ['* 1 FETCH (UID 1 RFC822.SIZE 4)']),
      answer('UID FETCH 1 .*HEADER.*', ['* 1 FETCH (UID 1 BODY[HEADER]<0> {4}\r\nA: b)']),
      answer('EXAMINE Done', ['* 0 EXISTS', '* OK [UIDVALIDITY 1] V']),
      answer('UID SEARCH .*', ['* SEARCH']),
      ...opened(),
      answer('UID COPY 1 Done', [], 'NO [OVERQUOTA] Full'),
    ]);
    const source = await open(server);

    const results = await source.settle([scriptedMove(1, 'Done')]);

    expect(results).toMatchObject([{ result: 'retry', reason: expect.stringContaining('Full') }]);
    expect(server.received.some((line) => /STORE|EXPUNGE/.test(line))).toBe(false);
  });

  it('COPY that does not say what it copied is not trusted with the original', async () => {
    const server = await scripted([
      ...loggedIn('UIDPLUS'),
      ...opened(),
      target,
      subscribed,
      there,
      answer('UID FETCH 1 \\(UID RFC822\\.SIZE\\)', ['* 1 FETCH (UID 1 RFC822.SIZE 4)']),
      answer('UID FETCH 1 .*HEADER.*', ['* 1 FETCH (UID 1 BODY[HEADER]<0> {4}\r\nA: b)']),
      answer('EXAMINE Done', ['* 0 EXISTS', '* OK [UIDVALIDITY 1] V']),
      answer('UID SEARCH .*', ['* SEARCH']),
      ...opened(),
      answer('UID COPY 1 Done'),
    ]);
    const source = await open(server);

    expect(await source.settle([scriptedMove(1, 'Done')])).toMatchObject([
      { result: 'retry', reason: expect.stringContaining('did not say that it copied') },
    ]);
    expect(server.received.some((line) => /STORE|EXPUNGE/.test(line))).toBe(false);
  });

  it('a mailbox that cannot be created is refused with the reason', async () => {
    const server = await scripted([
      ...loggedIn('MOVE'),
      ...opened(),
      answer('LIST "" "\\*"', ['* LIST () "/" INBOX']),
      subscribed,
      answer('CREATE Done', [], 'NO [NOPERM] No new mailboxes'),
    ]);
    const source = await open(server);

    expect(await source.settle([scriptedMove(1, 'Done')])).toMatchObject([
      { result: 'refused', reason: expect.stringContaining('No new mailboxes') },
    ]);
  });

  it('a mailbox that only holds others is refused', async () => {
    const server = await scripted([
      ...loggedIn('MOVE'),
      ...opened(),
      answer('LIST "" "\\*"', ['* LIST () "/" INBOX', '* LIST (\\Noselect) "/" "[Gmail]"']),
      subscribed,
    ]);
    const source = await open(server);

    expect(await source.settle([scriptedMove(1, '[Gmail]')])).toMatchObject([{ result: 'refused' }]);
  });

  it('a name that would break the line goes nowhere', async () => {
    const server = await scripted([...loggedIn('MOVE'), ...opened()]);
    const source = await open(server);

    expect(await source.settle([scriptedMove(1, 'x\r\nA1 DELETE INBOX')])).toMatchObject([
      { result: 'refused', reason: expect.stringContaining('line break') },
    ]);
    expect(server.received.join()).not.toContain('DELETE');
  });
});
