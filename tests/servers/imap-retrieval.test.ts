import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Listed } from '../../shared/ports/mail-source.ts';
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
  uidOf,
  withSource,
} from './mail-sources.ts';

const MIXED = generateMails({ seed: 7, count: 500 });
const SOME = MIXED.slice(0, 6);

let dovecot: Dovecot;

beforeAll(async () => {
  const names = ['ana', 'mixed', 'small', 'expunged', 'news', 'cut', 'large'];
  dovecot = await startDovecot({
    users: Object.fromEntries(names.map((name) => [name, { password: 'secret' }])),
  });
  await dovecot.deliverAll('mixed', MIXED);
});

afterAll(() => dovecot.stop());

it.each(['none', 'starttls', 'tls'] as const)(
  '500 mixed mails are fetched byte for byte with %s',
  async (security) => {
    await withSource(loginAt(dovecot, { protocol: 'imap', security, user: 'mixed' }), async (source) => {
      const listing = await source.list('INBOX', null);
      expect(listing.items.map((item) => item.sizeBytes)).toEqual(MIXED.map((mail) => mail.length));
      const fetched = await fetchAll(source, listing.items);
      expect(fetched.map(fetchedDigest)).toEqual(MIXED.map(digestOf));
      const again = await source.list('INBOX', listing.next);
      expect(again).toMatchObject({ continuity: 'same', items: [], exists: 500 });
    });
    expect(dovecot.messages('mixed').flatMap(({ flags }) => flags)).toEqual([]);
  },
);

it.each(['none', 'starttls', 'tls'] as const)(
  'one byte per segment changes nothing with %s',
  async (security) => {
    const mails = generateMails({ seed: 9, count: 12, totalBytes: 24_000 });
    if (dovecot.messages('small').length === 0) await dovecot.deliverAll('small', mails);
    const direct = loginAt(dovecot, { protocol: 'imap', security, user: 'small' });
    const proxy = await startByteProxy({ target: { host: '127.0.0.1', port: direct.port }, segmentBytes: 1 });
    try {
      await withSource({ ...direct, port: proxy.port }, async (source) => {
        const { items } = await source.list('INBOX', null);
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

it('a mail of 30 MB arrives whole, and above the limit as its header section and size', async () => {
  const large = generateMails({ seed: 11, count: 1, totalBytes: 30_000_000 });
  await dovecot.deliverAll('large', [...SOME.slice(0, 1), ...large, ...SOME.slice(1, 2)]);
  await withSource(loginAt(dovecot, { protocol: 'imap', security: 'tls', user: 'large' }), async (source) => {
    const { items } = await source.list('INBOX', null);
    const whole = await fetchAll(source, items);
    expect(whole.map(fetchedDigest)).toEqual([SOME[0], large[0], SOME[1]].map((mail) => digestOf(mail)));
    const [, cut, next] = await fetchAll(source, items, 1_000_000);
    expect(cut).toMatchObject({ kind: 'oversize', sizeBytes: large[0]?.length });
    expect(cut?.kind === 'oversize' && cut.head.toString('latin1')).toBe(
      headerOf(large[0] ?? Buffer.alloc(0)),
    );
    expect(next && fetchedDigest(next)).toBe(digestOf(SOME[1]));
  });
});

it('only what came since the last listing is listed, with its time, flags and UID', async () => {
  const login = loginAt(dovecot, { protocol: 'imap', user: 'news', readOnly: true });
  await dovecot.deliverAll('news', SOME.slice(0, 2));
  const first = await withSource(login, (source) => source.list('INBOX', null));
  // An old date is no reason to take it for known.
  await dovecot.deliver('news', SOME[2] ?? Buffer.alloc(0), 'INBOX', new Date('1999-12-31T23:59:58Z'));
  await dovecot.deliver('news', SOME[3] ?? Buffer.alloc(0));
  await withSource(login, async (source) => {
    const second = await source.list('INBOX', first.next);
    expect(second).toMatchObject({ continuity: 'same', exists: 4 });
    expect(second.items.map(uidOf)).toEqual([3, 4]);
    expect(second.items[0]).toMatchObject({ internalDate: '1999-12-31T23:59:58.000Z', backfill: false });
    expect((await fetchAll(source, second.items)).map(fetchedDigest)).toEqual(SOME.slice(2, 4).map(digestOf));
    expect((await source.list('INBOX', second.next)).items).toEqual([]);
  });
});

it('a message that another client expunges in the middle of a fetch is gone, the others are whole', async () => {
  const mails = generateMails({ seed: 13, count: 60, totalBytes: 12_000_000 });
  await dovecot.deliverAll('expunged', mails);
  const login = loginAt(dovecot, { protocol: 'imap', user: 'expunged' });
  const victims = [1, 20, 40, 59];
  await withSource(login, async (source) => {
    const { items } = await source.list('INBOX', null);
    const digests: string[] = [];
    for await (const fetched of source.fetch(items, { maxSizeBytes: 10_000_000 })) {
      if (digests.length === 0)
        await expunge(
          'expunged',
          victims.map((index) => items[index]),
        );
      digests.push(fetchedDigest(fetched));
    }
    const expected = mails.map(digestOf);
    // One that was on its way already may still arrive; what arrives must be it.
    const wrong = digests.flatMap((digest, index) =>
      digest === expected[index] || (victims.includes(index) && digest === 'gone') ? [] : [index],
    );
    expect({ count: digests.length, wrong }).toEqual({ count: 60, wrong: [] });
    expect(digests[59]).toBe('gone');
    const [last] = await source.settle([actionOn(items[59], { kind: 'mark-seen' })]);
    expect(last?.result).toBe('gone');
  });
});

it('a connection that breaks in the middle of a message is a network failure', async () => {
  await dovecot.deliverAll('cut', generateMails({ seed: 15, count: 5, totalBytes: 2_000_000 }));
  const direct = loginAt(dovecot, { protocol: 'imap', user: 'cut' });
  const proxy = await startByteProxy({
    target: { host: '127.0.0.1', port: direct.port },
    cut: { afterBytes: 900_000, how: 'reset' },
  });
  try {
    const source = await openSource({ ...direct, port: proxy.port });
    const { items } = await source.list('INBOX', null);
    await expect(fetchAll(source, items)).rejects.toMatchObject({ name: 'MailError', code: 'network' });
    await source.close('abort');
  } finally {
    await proxy.close();
  }
});

it('a wrong password is a failure of the credentials', async () => {
  const failure = await failureOf(loginAt(dovecot, { protocol: 'imap', password: 'wrong-password' }));
  expect(failure?.code).toBe('auth');
  expect(failure?.message).not.toContain('wrong-password');
});

it('a mailbox that does not exist is said to be that', async () => {
  await withSource(loginAt(dovecot, { protocol: 'imap' }), async (source) => {
    await expect(source.list('Nowhere', null)).rejects.toMatchObject({ name: 'MailError', code: 'mailbox' });
    expect(await source.list('INBOX', null)).toMatchObject({ exists: 0, items: [] });
  });
});

it('a server that goes away under a session is a network failure, and the next session works', async () => {
  const own = await startDovecot();
  try {
    await own.deliverAll('ana', SOME);
    const login = loginAt(own, { protocol: 'imap', security: 'tls' });
    const source = await openSource(login);
    const { items } = await source.list('INBOX', null);
    await own.kill();
    await expect(fetchAll(source, items)).rejects.toMatchObject({ name: 'MailError', code: 'network' });
    await source.close('commit');
    expect((await failureOf(login))?.code).toBe('network');
    await own.restart();
    expect(await failureOf(login)).toBeNull();
  } finally {
    await own.stop();
  }
});

/** Does what a mail program does, in a session of its own. */
async function expunge(user: string, items: readonly (Listed | undefined)[]): Promise<void> {
  await withSource(loginAt(dovecot, { protocol: 'imap', user }), async (other) => {
    await other.list('INBOX', null);
    await other.settle(items.map((item) => actionOn(item, { kind: 'delete' })));
  });
}
