import { describe, expect, it } from 'vitest';
import type { ImapServer } from '../../../../../local/demo/imap-server.ts';
import type { Action } from '../../../../../shared/ports/mail-source.ts';
import { cleanUpAfterEach, mail, open, served } from './imap-support.ts';

cleanUpAfterEach();

const NO_MOVE = { quirks: { move: false } } as const;

function move(server: ImapServer, uid: number, mailbox: string): Action {
  const uidValidity = String(server.mailbox('ana').uidValidity);
  const source = { protocol: 'imap', mailbox: 'INBOX', uidValidity, uid } as const;
  return { key: String(uid), source, action: { kind: 'move', mailbox } };
}

function mailsIn(server: ImapServer, mailbox: string): string[] {
  return server.mailbox('ana', mailbox).mails.map(({ raw }) => raw.toString());
}

describe.each([
  ['with MOVE', {}],
  ['without MOVE', NO_MOVE],
])('%s', (_, options) => {
  it('messages go into a mailbox that is created once, with their flags and dates', async () => {
    const server = await served({ mails: [mail(1), mail(2), mail(3)] }, options);
    server.mailbox('ana').setFlags(2, ['\\Seen']);
    const receivedAt = server.mailbox('ana').mail(2)?.receivedAt;
    const source = await open(server);

    const results = await source.settle([
      move(server, 1, 'Verarbeitet/Grün'),
      move(server, 2, 'Verarbeitet/Grün'),
      move(server, 8, 'Verarbeitet/Grün'),
    ]);

    expect(results.map(({ result }) => result)).toEqual(['done', 'done', 'gone']);
    expect(mailsIn(server, 'INBOX')).toEqual([mail(3).toString()]);
    expect(mailsIn(server, 'Verarbeitet/Grün')).toEqual([mail(1).toString(), mail(2).toString()]);
    expect(server.mailbox('ana', 'Verarbeitet/Grün').mail(2)).toMatchObject({ receivedAt });
    expect(server.account('ana').mailboxes).toHaveLength(2);
  });

  it('another message that is marked as deleted stays', async () => {
    const server = await served({ mails: [mail(1), mail(2)] }, options);
    server.mailbox('ana').setFlags(1, ['\\Deleted']);
    const source = await open(server);

    expect(await source.settle([move(server, 2, 'Done')])).toMatchObject([{ result: 'done' }]);
    expect(mailsIn(server, 'INBOX')).toEqual([mail(1).toString()]);
  });

  it('a special use is a target, and one that no mailbox has is refused', async () => {
    const archive = { name: 'Ablage', specialUse: '\\Archive' };
    const server = await served({ mails: [mail(1)], mailboxes: [archive] }, options);
    const source = await open(server);

    const results = await source.settle([
      move(server, 1, '\\Archive'),
      { ...move(server, 1, '\\Junk'), key: 'junk' },
    ]);

    expect(results).toMatchObject([
      { result: 'done' },
      {
        key: 'junk',
        result: 'refused',
        reason: expect.stringContaining('this account has "INBOX", "Ablage"'),
      },
    ]);
    expect(mailsIn(server, 'Ablage')).toHaveLength(1);
  });

  it('a move to where the message is already is refused', async () => {
    const server = await served({ mails: [mail(1)] }, options);
    const source = await open(server);

    expect(await source.settle([move(server, 1, 'inbox')])).toMatchObject([{ result: 'refused' }]);
    expect(mailsIn(server, 'INBOX')).toHaveLength(1);
  });
});

it('with neither MOVE nor UIDPLUS nothing is moved, copied or marked', async () => {
  const server = await served({ mails: [mail(1), mail(2)] }, { quirks: { move: false, uidPlus: false } });
  server.mailbox('ana').setFlags(1, ['\\Deleted']);
  const source = await open(server);

  expect(await source.settle([move(server, 2, 'Done')])).toMatchObject([
    { result: 'refused', reason: expect.stringContaining('neither MOVE nor UIDPLUS') },
  ]);
  expect(server.mailbox('ana').mails.map(({ flags }) => [...flags])).toEqual([['\\Deleted'], []]);
  expect(server.account('ana').mailboxes.map(({ name }) => name)).toEqual(['INBOX']);
});

it('without MOVE, where \\Deleted cannot be set, no copy is made', async () => {
  const quirks = { move: false, permanentFlags: ['\\Seen'] };
  const server = await served({ mails: [mail(1)], mailboxes: [{ name: 'Done' }] }, { quirks });
  const source = await open(server);

  expect(await source.settle([move(server, 1, 'Done')])).toMatchObject([{ result: 'refused' }]);
  expect(mailsIn(server, 'Done')).toEqual([]);
});

describe('a copy that an earlier try left behind', () => {
  it('is found, and only the original is removed', async () => {
    const server = await served({ mails: [mail(1), mail(2)], mailboxes: [{ name: 'Done' }] }, NO_MOVE);
    server.mailbox('ana', 'Done').add(mail(1));
    const source = await open(server);

    const results = await source.settle([move(server, 1, 'Done'), move(server, 2, 'Done')]);

    expect(results.map(({ result }) => result)).toEqual(['done', 'done']);
    expect(mailsIn(server, 'Done')).toEqual([mail(1).toString(), mail(2).toString()]);
    expect(mailsIn(server, 'INBOX')).toEqual([]);
  });

  it('is found without a Message-ID too', async () => {
    const nameless = Buffer.from('Received: by mx; 1\r\nSubject: x\r\n\r\nbody\r\n');
    const server = await served({ mails: [nameless], mailboxes: [{ name: 'Done' }] }, NO_MOVE);
    server.mailbox('ana', 'Done').add(nameless);
    const source = await open(server);

    await source.settle([move(server, 1, 'Done')]);

    expect(mailsIn(server, 'Done')).toEqual([nameless.toString()]);
  });

  it('is not a message that merely has the same Message-ID and size', async () => {
    const forged = Buffer.from(mail(1).toString().replace('Subject: Mail', 'Subject: Fake'));
    const server = await served({ mails: [mail(1)], mailboxes: [{ name: 'Done' }] }, NO_MOVE);
    server.mailbox('ana', 'Done').add(forged);
    const source = await open(server);

    expect(await source.settle([move(server, 1, 'Done')])).toMatchObject([{ result: 'done' }]);
    expect(mailsIn(server, 'Done')).toEqual([forged.toString(), mail(1).toString()]);
  });
});

it('a connection that drops after COPY ends with one copy, and the original gone', async () => {
  const server = await served({ mails: [mail(1)], mailboxes: [{ name: 'Done' }] }, NO_MOVE);
  const done = server.mailbox('ana', 'Done');
  const abort = new AbortController();
  const dropping = await open(server, { signal: abort.signal });
  // The copy has arrived, and nothing that would follow it is sent any more.
  const copied = server.account('ana').until(() => done.mails.length === 1);
  const settling = dropping.settle([move(server, 1, 'Done')]);
  await copied;
  abort.abort();
  expect(await settling).toMatchObject([{ result: 'retry' }]);

  const next = await open(server);

  expect(await next.settle([move(server, 1, 'Done')])).toMatchObject([{ result: 'done' }]);
  expect(mailsIn(server, 'Done')).toEqual([mail(1).toString()]);
  expect(mailsIn(server, 'INBOX')).toEqual([]);
});
