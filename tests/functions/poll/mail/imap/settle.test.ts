import { describe, expect, it } from 'vitest';
import type { ImapServer } from '../../../../../local/demo/imap-server.ts';
import type { ServerAction } from '../../../../../shared/account.ts';
import type { Action } from '../../../../../shared/ports/mail-source.ts';
import { answer, loggedIn, opened } from './imap-script.ts';
import { cleanUpAfterEach, item, mail, open, scripted, served } from './imap-support.ts';

cleanUpAfterEach();

const SEEN: ServerAction = { kind: 'mark-seen' };

/** An action on a mail of the in-memory server; its key is the UID. */
function act(server: ImapServer, uid: number, action: ServerAction, mailbox = 'INBOX'): Action {
  const uidValidity = String(server.mailbox('ana', mailbox).uidValidity);
  return { key: String(uid), source: { protocol: 'imap', mailbox, uidValidity, uid }, action };
}

/** An action on a mail of a scripted server. */
function scriptedAct(uid: number, action: ServerAction): Action {
  return { key: String(uid), source: item(uid).source, action };
}

function flagsIn(server: ImapServer): string[][] {
  return server.mailbox('ana').mails.map(({ flags }) => [...flags]);
}

describe('the mailbox of an action', () => {
  it('under another UIDVALIDITY is another: nothing is done there', async () => {
    const server = await served({ mails: [mail(1)] });
    const action = act(server, 1, { kind: 'delete' });
    server.mailbox('ana').renumber();
    const source = await open(server);

    expect(await source.settle([action])).toMatchObject([
      { result: 'void', reason: expect.stringContaining('UIDVALIDITY') },
    ]);
    expect(server.mailbox('ana').mails).toHaveLength(1);
  });

  it('that was removed makes the action void', async () => {
    const server = await served({ mailboxes: [{ name: 'Old' }] });
    server.mailbox('ana', 'Old').add(mail(1));
    const action = act(server, 1, SEEN, 'Old');
    server.account('ana').delete('Old');
    const source = await open(server);

    expect(await source.settle([action])).toMatchObject([{ result: 'void' }]);
  });

  it('that is read-only refuses', async () => {
    const server = await served({ mails: [mail(1)] }, { quirks: { readOnly: true } });
    const source = await open(server);

    expect(await source.settle([act(server, 1, SEEN)])).toMatchObject([
      { result: 'refused', reason: 'the mailbox is read-only' },
    ]);
  });

  it('is opened for changes though the session only read so far', async () => {
    const server = await served({ mails: [mail(1)] });
    const source = await open(server, { readOnly: true });
    await source.list('INBOX', null);

    expect(await source.settle([act(server, 1, SEEN)])).toMatchObject([{ result: 'done' }]);
  });

  it('may be one of many: each has its own results, in the order asked', async () => {
    const server = await served({ mails: [mail(1), mail(2)], mailboxes: [{ name: 'B' }] });
    server.mailbox('ana', 'B').add(mail(3));
    const source = await open(server);

    const results = await source.settle([
      { ...act(server, 2, SEEN), key: 'a' },
      { ...act(server, 1, SEEN, 'B'), key: 'b' },
      { ...act(server, 7, SEEN, 'B'), key: 'c' },
      { ...act(server, 1, { kind: 'none' }), key: 'd' },
      { key: 'e', source: { protocol: 'pop3', uidl: 'x' }, action: SEEN },
    ]);

    expect(results.map(({ key, result }) => `${key} ${result}`)).toEqual([
      'a done',
      'b done',
      'c gone',
      'd done',
      'e refused',
    ]);
    expect(flagsIn(server)).toEqual([[], ['\\Seen']]);
  });
});

describe('a deletion', () => {
  it('takes these messages away and no other that is marked as deleted', async () => {
    const server = await served({ mails: [mail(1), mail(2), mail(3)] });
    server.mailbox('ana').setFlags(1, ['\\Deleted']);
    const source = await open(server);

    const results = await source.settle([
      act(server, 2, { kind: 'delete' }),
      act(server, 9, { kind: 'delete' }),
    ]);

    expect(results.map(({ result }) => result)).toEqual(['done', 'gone']);
    expect(server.mailbox('ana').mails.map(({ uid }) => uid)).toEqual([1, 3]);
  });

  it('without UIDPLUS is refused, and marks nothing', async () => {
    const server = await served({ mails: [mail(1), mail(2)] }, { quirks: { uidPlus: false } });
    server.mailbox('ana').setFlags(1, ['\\Deleted']);
    const source = await open(server);

    expect(await source.settle([act(server, 2, { kind: 'delete' })])).toMatchObject([{ result: 'refused' }]);
    expect(flagsIn(server)).toEqual([['\\Deleted'], []]);
  });

  it('where \\Deleted cannot be set is refused', async () => {
    const server = await served({ mails: [mail(1)] }, { quirks: { permanentFlags: ['\\Seen'] } });
    const source = await open(server);

    expect(await source.settle([act(server, 1, { kind: 'delete' })])).toMatchObject([{ result: 'refused' }]);
    expect(server.mailbox('ana').mails).toHaveLength(1);
  });

  it.each([
    ['refused', 'NO Not now', 'answered "Not now"'],
    ['claimed', 'OK Expunged', 'kept the message'],
  ])('that is %s and leaves the message there is tried again', async (_, completion, reason) => {
    const there = answer('UID FETCH 1 \\(UID FLAGS\\)', ['* 1 FETCH (UID 1 FLAGS ())']);
    const server = await scripted([
      ...loggedIn('UIDPLUS'),
      ...opened(),
      there,
      answer('UID STORE 1 .*'),
      answer('UID EXPUNGE 1', [], completion),
      there,
    ]);
    const source = await open(server);

    expect(await source.settle([scriptedAct(1, { kind: 'delete' })])).toMatchObject([
      { result: 'retry', reason: expect.stringContaining(reason) },
    ]);
  });

  it('comes after the marks and moves that are due with it', async () => {
    const server = await served({ mails: [mail(1), mail(2)] });
    const source = await open(server);

    const results = await source.settle([
      act(server, 1, { kind: 'delete' }),
      act(server, 1, SEEN),
      act(server, 2, { kind: 'delete' }),
      act(server, 2, { kind: 'move', mailbox: 'Kept' }),
    ]);

    expect(results.map(({ result }) => result)).toEqual(['done', 'done', 'gone', 'done']);
    expect(server.mailbox('ana', 'Kept').mails).toHaveLength(1);
  });
});
