import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Action, Listed } from '../../shared/ports/mail-source.ts';
import { startByteProxy } from '../support/byte-proxy.ts';
import { type Dovecot, startDovecot } from '../support/dovecot.ts';
import { generateMails } from '../support/mail-generator.ts';
import {
  actionOn,
  digestOf,
  failureOf,
  fetchAll,
  fetchedDigest,
  headerOf,
  loginAt,
  openSource,
  withSource,
} from './mail-sources.ts';

const MIXED = generateMails({ seed: 3, count: 500 });
const USERS = ['mixed', 'sweep', 'small', 'deletes', 'undone', 'dropped', 'vanished', 'hundred'];

let dovecot: Dovecot;

beforeAll(async () => {
  const users = Object.fromEntries(USERS.map((name) => [name, { password: 'secret' }]));
  const locked = { password: 'secret', settings: { pop3_lock_session: 'yes' } };
  dovecot = await startDovecot({ users: { ...users, ana: { password: 'secret' }, locked } });
  await dovecot.deliverAll('mixed', MIXED);
});

afterAll(() => dovecot.stop());

it.each(['none', 'starttls', 'tls'] as const)(
  '500 mixed mails are fetched byte for byte with %s',
  async (security) => {
    await withSource(loginAt(dovecot, { protocol: 'pop3', security, user: 'mixed' }), async (source) => {
      const listing = await source.list('', null);
      expect(listing.items.map((item) => item.sizeBytes)).toEqual(MIXED.map((mail) => mail.length));
      expect(new Set(listing.items.map(uidlOf)).size).toBe(500);
      const fetched = await fetchAll(source, listing.items);
      expect(fetched.map(fetchedDigest)).toEqual(MIXED.map(digestOf));
      const again = await source.list('', listing.next);
      expect(again).toMatchObject({ continuity: 'same', items: [], exists: 500 });
    });
  },
);

it('3,000 messages of 20,000 to 22,999 bytes over TLS arrive whole, wherever their records end', async () => {
  const mails = Array.from({ length: 3_000 }, (_, index) => sizedMail(20_000 + index));
  await dovecot.deliverAll('sweep', mails);
  await withSource(loginAt(dovecot, { protocol: 'pop3', security: 'tls', user: 'sweep' }), async (source) => {
    const { items } = await source.list('', null);
    let different = 0;
    let count = 0;
    for await (const fetched of source.fetch(items, { maxSizeBytes: 100_000 })) {
      const mail = mails[count++];
      if (fetched.kind !== 'raw' || mail === undefined || !fetched.bytes.equals(mail)) different++;
    }
    expect({ count, different }).toEqual({ count: 3_000, different: 0 });
  });
});

it.each(['none', 'starttls', 'tls'] as const)(
  'one byte per segment changes nothing with %s',
  async (security) => {
    const mails = generateMails({ seed: 5, count: 12, totalBytes: 24_000 });
    if (dovecot.messages('small').length === 0) await dovecot.deliverAll('small', mails);
    const direct = loginAt(dovecot, { protocol: 'pop3', security, user: 'small' });
    const proxy = await startByteProxy({ target: { host: '127.0.0.1', port: direct.port }, segmentBytes: 1 });
    try {
      await withSource({ ...direct, port: proxy.port }, async (source) => {
        const { items } = await source.list('', null);
        expect((await fetchAll(source, items)).map(fetchedDigest)).toEqual(mails.map(digestOf));
        const heads: (string | undefined)[] = [];
        for await (const { head } of source.heads(items)) heads.push(head?.toString('latin1'));
        expect(heads).toEqual(mails.map(headerOf));
      });
    } finally {
      await proxy.close();
    }
  },
);

it('a message above the limit gives its header section and its size, and the next one is whole', async () => {
  const login = loginAt(dovecot, { protocol: 'pop3', user: 'mixed' });
  await withSource(login, async (source) => {
    const { items } = await source.list('', null);
    const large = MIXED.findIndex((mail) => mail.length > 100_000);
    const fetched = await fetchAll(source, items.slice(large, large + 2), 100_000);
    const mail = MIXED[large] ?? Buffer.alloc(0);
    expect(fetched[0]).toMatchObject({ kind: 'oversize', sizeBytes: mail.length });
    expect(fetched[0]?.kind === 'oversize' && fetched[0].head.toString('latin1')).toBe(headerOf(mail));
    expect(fetched[1] && fetchedDigest(fetched[1])).toBe(digestOf(MIXED[large + 1]));
  });
});

it('what is deleted is gone after QUIT, and only that', async () => {
  await dovecot.deliverAll('deletes', MIXED.slice(0, 5));
  const login = loginAt(dovecot, { protocol: 'pop3', user: 'deletes' });
  const source = await openSource(login);
  const { items } = await source.list('', null);
  const results = await source.settle(deletionsOf([items[1], items[3]]));
  expect(results.map(({ result }) => result)).toEqual(['done', 'done']);
  expect(dovecot.messages('deletes')).toHaveLength(5);
  expect(await source.close('commit')).toBe('ok');
  expect(onDisk('deletes')).toEqual([0, 2, 4].map((index) => digestOf(MIXED[index])));
  await withSource(login, async (later) => {
    expect((await later.list('', null)).items.map(uidlOf)).toEqual(
      [items[0], items[2], items[4]].map(uidlOf),
    );
    const [again] = await later.settle(deletionsOf([items[1]]));
    expect(again?.result).toBe('gone');
  });
});

it('a session that is dropped before QUIT deletes nothing', async () => {
  await dovecot.deliverAll('undone', MIXED.slice(0, 3));
  const source = await openSource(loginAt(dovecot, { protocol: 'pop3', user: 'undone' }));
  const { items } = await source.list('', null);
  await source.settle(deletionsOf(items));
  expect(await source.close('abort')).toBe('unknown');
  expect(onDisk('undone')).toEqual(MIXED.slice(0, 3).map(digestOf));
});

it('a connection that breaks in the middle of a message is a network failure, and nothing is deleted', async () => {
  await dovecot.deliverAll('dropped', [sizedMail(30_000), sizedMail(90_000), sizedMail(30_000)]);
  const direct = loginAt(dovecot, { protocol: 'pop3', user: 'dropped' });
  const proxy = await startByteProxy({
    target: { host: '127.0.0.1', port: direct.port },
    cut: { afterBytes: 60_000, how: 'reset' },
  });
  try {
    const source = await openSource({ ...direct, port: proxy.port });
    const { items } = await source.list('', null);
    await source.settle(deletionsOf([items[2]]));
    const kinds: string[] = [];
    await expect(
      (async () => {
        for await (const { kind } of source.fetch(items.slice(0, 2), { maxSizeBytes: 1_000_000 }))
          kinds.push(kind);
      })(),
    ).rejects.toMatchObject({ name: 'MailError', code: 'network' });
    expect(kinds).toEqual(['raw']);
    expect(await source.close('commit')).toBe('unknown');
  } finally {
    await proxy.close();
  }
  expect(dovecot.messages('dropped')).toHaveLength(3);
});

it('a message that another session deleted meanwhile is gone or whole, and the others are whole', async () => {
  const mails = MIXED.slice(0, 4);
  await dovecot.deliverAll('vanished', mails);
  const login = loginAt(dovecot, { protocol: 'pop3', user: 'vanished' });
  await withSource(login, async (source) => {
    const { items } = await source.list('', null);
    await withSource(login, async (other) => {
      const seen = await other.list('', null);
      await other.settle(deletionsOf([seen.items[1]]));
    });
    const fetched = await fetchAll(source, items);
    expect(fetched.filter(({ kind }) => kind === 'raw').map(fetchedDigest)).toEqual(
      [0, 2, 3].map((index) => digestOf(mails[index])),
    );
    expect(['gone', 'failed']).toContain(fetched[1]?.kind);
  });
});

it('a wrong password is a failure of the credentials', async () => {
  const login = loginAt(dovecot, { protocol: 'pop3', password: 'wrong-password' });
  const failure = await failureOf(login);
  expect(failure?.code).toBe('auth');
  expect(failure?.message).not.toContain('wrong-password');
});

it('a maildrop that another session holds is busy', async () => {
  const login = loginAt(dovecot, { protocol: 'pop3', user: 'locked' });
  await withSource(login, async (holder) => {
    await holder.list('', null);
    expect((await failureOf(login))?.code).toBe('busy');
  });
  expect(await failureOf(login)).toBeNull();
});

function uidlOf(item: Listed | undefined): string {
  return item?.source.protocol === 'pop3' ? item.source.uidl : '';
}

function deletionsOf(items: readonly (Listed | undefined)[]): Action[] {
  return items.map((item) => actionOn(item, { kind: 'delete' }));
}

function onDisk(user: string): string[] {
  return dovecot.messages(user).map(({ bytes }) => digestOf(bytes));
}

/** A mail of an exact size, full of lines that begin with dots and of bytes above 127. */
function sizedMail(sizeBytes: number): Buffer {
  const line = '..a line that begins with dots \xe9\xff\r\n.\x80 another\r\n';
  const head = `Subject: ${sizeBytes}\r\n\r\n`;
  const body = line.repeat(Math.ceil(sizeBytes / line.length)).slice(0, sizeBytes - head.length - 2);
  // Cut between a CR and its LF there would be a bare CR, which servers change.
  return Buffer.from(`${head}${body.replace(/\r$/, 'x')}\r\n`, 'latin1');
}
