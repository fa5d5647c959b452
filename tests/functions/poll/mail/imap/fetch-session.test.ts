import { describe, expect, it } from 'vitest';
import { LIMITS, listed } from './fetch-support.ts';
import { answer } from './imap-script.ts';
import { brief, cleanUpAfterEach, collect, item, mail, mailError, open, served } from './imap-support.ts';

cleanUpAfterEach();

it('a consumer that stops early leaves the session usable', async () => {
  const server = await served({ mails: [mail(1), mail(2), mail(3)] });
  const source = await open(server);
  const { items } = await source.list('INBOX', null);

  for await (const fetched of source.fetch(items, LIMITS)) {
    expect(fetched.kind).toBe('raw');
    break;
  }

  expect((await source.list('INBOX', null)).items).toHaveLength(3);
});

it('fetching goes on in the mailbox listed last, though a settlement left it', async () => {
  const server = await served({ mails: [mail(1), mail(2)], mailboxes: [{ name: 'Other' }] });
  const other = server.mailbox('ana', 'Other').add(mail(9));
  const source = await open(server);
  const { items } = await source.list('INBOX', null);
  const elsewhere = {
    protocol: 'imap' as const,
    mailbox: 'Other',
    uidValidity: String(server.mailbox('ana', 'Other').uidValidity),
    uid: other.uid,
  };

  await source.settle([{ key: 'k', source: elsewhere, action: { kind: 'mark-seen' } }]);

  expect((await collect(source.fetch(items, LIMITS))).map(brief)).toEqual([
    `raw 1 ${mail(1)}`,
    `raw 2 ${mail(2)}`,
  ]);
});

it('a mailbox that was replaced after it was listed is not fetched from', async () => {
  const server = await served({ mails: [mail(1)], mailboxes: [{ name: 'Other' }] });
  const source = await open(server);
  const { items } = await source.list('INBOX', null);
  await source.settle([
    {
      key: 'k',
      source: { protocol: 'imap', mailbox: 'Other', uidValidity: '1', uid: 1 },
      action: { kind: 'delete' },
    },
  ]);

  server.mailbox('ana').renumber();

  expect((await mailError(collect(source.fetch(items, LIMITS)))).message).toContain('replaced');
});

describe('heads', () => {
  it('come in the order asked, null for what is gone', async () => {
    const server = await served({ mails: [mail(1), mail(2), mail(3)] });
    const source = await open(server);
    const { items } = await source.list('INBOX', null);
    server.mailbox('ana').remove([2]);

    const heads = await collect(source.heads(items.toReversed()));

    const headOf = (number: number) =>
      `Message-ID: <${number}@example.com>\r\nSubject: Mail ${number}\r\n\r\n`;
    expect(heads.map(({ head }) => head?.toString() ?? null)).toEqual([headOf(3), null, headOf(1)]);
    expect(server.mailbox('ana').mails.every(({ flags }) => flags.size === 0)).toBe(true);
  });

  it('are asked for with BODY.PEEK[HEADER], bounded', async () => {
    const row = '* 1 FETCH (UID 1 BODY[HEADER]<0> {4}\r\nA: b)';
    const { source } = await listed(
      answer('UID FETCH 1 \\(UID BODY\\.PEEK\\[HEADER\\]<0\\.1048576>\\)', [row]),
    );

    expect(await collect(source.heads([item(1)]))).toMatchObject([{ head: Buffer.from('A: b') }]);
  });

  it('of an outage are an error', async () => {
    const { source } = await listed(answer('UID FETCH .*', [], 'NO [UNAVAILABLE] Down'));

    expect((await mailError(collect(source.heads([item(1)])))).code).toBe('busy');
  });
});
