import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Dovecot, startDovecot } from '../support/dovecot.ts';
import { generateMails } from '../support/mail-generator.ts';
import { actionOn, digestOf, loginAt, validityOf, withSource } from './mail-sources.ts';

const SOME = generateMails({ seed: 17, count: 6 });

let dovecot: Dovecot;

beforeAll(async () => {
  const names = ['reset', 'acts', 'moves', 'deletes'];
  dovecot = await startDovecot({
    users: Object.fromEntries(names.map((name) => [name, { password: 'secret' }])),
  });
});

afterAll(() => dovecot.stop());

it('marking and flagging change the message on the server and nothing else', async () => {
  await dovecot.deliverAll('acts', SOME);
  await withSource(loginAt(dovecot, { protocol: 'imap', security: 'tls', user: 'acts' }), async (source) => {
    const { items } = await source.list('INBOX', null);
    const results = await source.settle([
      actionOn(items[0], { kind: 'mark-seen' }),
      actionOn(items[1], { kind: 'flag', keyword: 'mailhook' }),
      actionOn(items[2], { kind: 'flag', keyword: '\\Flagged' }),
      actionOn(items[3], { kind: 'mark-seen' }),
      actionOn(items[3], { kind: 'flag', keyword: '$Handled' }),
    ]);
    expect(results.map(({ result }) => result)).toEqual(['done', 'done', 'done', 'done', 'done']);
  });
  expect(dovecot.messages('acts').map(({ flags }) => [...flags].sort())).toEqual([
    ['\\Seen'],
    ['mailhook'],
    ['\\Flagged'],
    ['$Handled', '\\Seen'],
    [],
    [],
  ]);
  expect(dovecot.messages('acts').map(({ bytes }) => digestOf(bytes))).toEqual(SOME.map(digestOf));
});

it('a move makes its target when it is missing and takes just the message', async () => {
  await dovecot.deliverAll('moves', SOME);
  const login = loginAt(dovecot, { protocol: 'imap', security: 'starttls', user: 'moves' });
  await withSource(login, async (source) => {
    const { items } = await source.list('INBOX', null);
    const results = await source.settle([
      actionOn(items[0], { kind: 'move', mailbox: 'Done/2026' }),
      actionOn(items[1], { kind: 'move', mailbox: 'Done/2026' }),
      actionOn(items[2], { kind: 'move', mailbox: 'Erledigt & Grüße' }),
    ]);
    expect(results.map(({ result }) => result)).toEqual(['done', 'done', 'done']);
    const [again] = await source.settle([actionOn(items[0], { kind: 'move', mailbox: 'Done/2026' })]);
    expect(again?.result).toBe('gone');
    expect((await source.list('Done/2026', null)).exists).toBe(2);
    expect((await source.list('Erledigt & Grüße', null)).exists).toBe(1);
  });
  expect(digestsIn('moves', 'INBOX')).toEqual(SOME.slice(3).map(digestOf));
  expect(digestsIn('moves', 'Done/2026')).toEqual(SOME.slice(0, 2).map(digestOf));
  expect(digestsIn('moves', 'Erledigt & Grüße')).toEqual([digestOf(SOME[2])]);
});

it("a deletion leaves what the mailbox's owner marked as deleted but did not expunge", async () => {
  await dovecot.deliverAll('deletes', SOME);
  await withSource(loginAt(dovecot, { protocol: 'imap', user: 'deletes' }), async (source) => {
    const { items } = await source.list('INBOX', null);
    await source.settle([actionOn(items[4], { kind: 'flag', keyword: '\\Flagged' })]);
    await markDeleted('deletes', 4);
    const results = await source.settle([
      actionOn(items[1], { kind: 'delete' }),
      actionOn(items[5], { kind: 'delete' }),
    ]);
    expect(results.map(({ result }) => result)).toEqual(['done', 'done']);
    const [again] = await source.settle([actionOn(items[1], { kind: 'delete' })]);
    expect(again?.result).toBe('gone');
  });
  const left = dovecot.messages('deletes');
  expect(left.map(({ bytes }) => digestOf(bytes))).toEqual(
    [0, 2, 3, 4].map((index) => digestOf(SOME[index])),
  );
  expect(left.filter(({ flags }) => flags.includes('\\Deleted'))).toHaveLength(1);
});

it('after a change of UIDVALIDITY all is listed anew and old actions are void', async () => {
  await dovecot.deliverAll('reset', SOME);
  const login = loginAt(dovecot, { protocol: 'imap', user: 'reset' });
  const before = await withSource(login, (source) => source.list('INBOX', null));
  dovecot.resetUidValidity('reset');
  await withSource(login, async (source) => {
    const after = await source.list('INBOX', before.next);
    expect(after).toMatchObject({ continuity: 'reset', exists: 6 });
    expect(after.items).toHaveLength(6);
    expect(validityOf(after.items[0])).not.toBe(validityOf(before.items[0]));
    const [result] = await source.settle([actionOn(before.items[0], { kind: 'delete' })]);
    expect(result?.result).toBe('void');
  });
  expect(dovecot.messages('reset')).toHaveLength(6);
});

it('a server whose names begin with INBOX. moves to the mailbox that was named', async () => {
  const prefixed = await startDovecot({ namespace: { prefix: 'INBOX.', separator: '.' } });
  try {
    await prefixed.deliverAll('ana', SOME.slice(0, 2));
    await withSource(loginAt(prefixed, { protocol: 'imap' }), async (source) => {
      const { items } = await source.list('INBOX', null);
      const results = await source.settle([
        actionOn(items[0], { kind: 'move', mailbox: 'INBOX.Done' }),
        actionOn(items[1], { kind: 'move', mailbox: 'INBOX.Done' }),
      ]);
      expect(results.map(({ result }) => result)).toEqual(['done', 'done']);
    });
    expect(prefixed.mailboxes('ana')).toEqual(['INBOX', 'INBOX.Done']);
    expect(prefixed.messages('ana', 'INBOX.Done')).toHaveLength(2);
  } finally {
    await prefixed.stop();
  }
});

async function markDeleted(user: string, index: number): Promise<void> {
  const client = new ImapFlow({
    host: dovecot.host,
    port: dovecot.ports.imap,
    secure: false,
    auth: { user, pass: 'secret' },
    logger: false,
    tls: { ca: dovecot.caPem },
  });
  await client.connect();
  await client.mailboxOpen('INBOX');
  await client.messageFlagsAdd(`${index + 1}`, ['\\Deleted']);
  await client.logout();
}

function digestsIn(user: string, mailbox: string): string[] {
  return dovecot.messages(user, mailbox).map(({ bytes }) => digestOf(bytes));
}
