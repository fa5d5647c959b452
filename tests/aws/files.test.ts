import { createHash } from 'node:crypto';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type ImapServer, startImapServer } from '../../local/demo/imap-server.ts';
import type { Envelope, MessageData } from '../../shared/event.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { openStack, type StackWorld } from '../support/stack-world.ts';

const aws = inject('miniStack');
const PASSWORD = 'secret';
const PAGE = '<script>alert(document.domain)</script>';
const TEXT = 'one\r\ntwo';
const MAIL = Buffer.from(
  [
    'From: ana@example.com',
    'Subject: with files',
    'Message-ID: <files@example.com>',
    'Date: Wed, 25 Nov 2026 08:00:00 +0000',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b1',
    '',
    '--b1',
    'Content-Type: text/html; name="page.html"',
    'Content-Disposition: attachment; filename="page.html"',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from(PAGE).toString('base64'),
    '--b1',
    'Content-Type: text/plain; name="notes.txt"',
    'Content-Disposition: attachment; filename="notes.txt"',
    '',
    TEXT,
    '--b1--',
    '',
  ].join('\r\n'),
);

let stack: StackWorld;
let imap: ImapServer;
let receivers: { readonly link: Receiver; readonly inline: Receiver; readonly none: Receiver };

beforeAll(async () => {
  stack = await openStack(aws);
  imap = await startImapServer({ users: { ana: { password: PASSWORD } } });
  const [link, inline, none] = [await startReceiver(), await startReceiver(), await startReceiver()];
  receivers = { link, inline, none };
  for (const [form, { url }] of Object.entries(receivers)) {
    await stack.json(['webhooks', 'add', url, '--name', form, '--attachments', form]);
  }
  await stack.json(
    [
      ...['accounts', 'add', 'ana', '--host', '127.0.0.1', '--port', String(imap.port), '--security', 'none'],
      ...['--username', 'ana', '--password-stdin'],
    ],
    { stdin: `${PASSWORD}\n` },
  );
  imap.mailbox('ana').add(MAIL);
  await stack.json(['poll']);
  await Promise.all([link.whenAccepted(1), inline.whenAccepted(1), none.whenAccepted(1)]);
});
afterAll(async () => {
  for (const name of Object.keys(receivers)) await stack.json(['webhooks', 'remove', name]);
  await Promise.all([...Object.values(receivers), imap].map((one) => one.close()));
});

function eventAt({ requests }: Receiver): MessageData {
  const [first] = requests;
  return (JSON.parse(first?.body.toString() ?? '{}') as Envelope<MessageData>).data;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
}

/** As anybody on the internet could ask: unsigned. A Function URL of the local AWS is told apart by its Host. */
function get(href: string | null, headers: Record<string, string> = {}): Promise<Answer> {
  const { host, pathname, search } = new URL(href ?? '');
  return new Promise((resolve, reject) => {
    const options = {
      ...{ host: '127.0.0.1', port: aws.port, path: pathname + search, ca: aws.ca, servername: 'localhost' },
      headers: { host, ...headers },
    };
    const sent = request(options, async (response) => {
      const bytes = Buffer.concat(await response.toArray());
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers as Record<string, string>,
        bytes,
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** What an answer says; all but what differs from request to request. */
function told({ status, headers, bytes }: Answer) {
  const {
    date: _1,
    'x-amzn-requestid': _2,
    'x-amzn-trace-id': _3,
    'x-amz-request-id': _4,
    ...rest
  } = headers;
  const { 'x-amz-id-2': _5, ...others } = rest;
  return { status, headers: others, body: bytes.toString() };
}

describe('the links of an event of the stack', () => {
  it('lead to its files URL', () => {
    const { raw, attachments } = eventAt(receivers.link);
    const start = `${stack.outputs.FilesUrl}files/`;
    expect([raw, ...attachments].every(({ href }) => href?.startsWith(start))).toBe(true);
  });

  it('give attachments to anybody who has them, and save what they hold', async () => {
    const [page, notes] = eventAt(receivers.link).attachments;
    const answer = await get(page?.href ?? null);
    expect(answer.bytes.toString()).toBe(PAGE);
    expect(sha256(answer.bytes)).toBe(page?.sha256);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html',
      'content-disposition': 'attachment; filename="page.html"',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
    });
    const part = await get(notes?.href ?? null, { range: 'bytes=5-' });
    expect([part.status, part.headers['content-range'], part.bytes.toString()]).toEqual([
      ...[206, 'bytes 5-7/8', 'two'],
    ]);
  });

  it('lead to the raw mail in the bucket, for some minutes and never shown', async () => {
    const { raw } = eventAt(receivers.link);
    const answer = await get(raw.href);
    expect(answer.status).toBe(302);
    const object = await get(answer.headers.location ?? null);
    expect(object.status).toBe(200);
    expect(object.bytes.equals(MAIL)).toBe(true);
    expect(sha256(object.bytes)).toBe(raw.sha256);
    expect(object.headers).toMatchObject({
      'content-type': 'message/rfc822',
      'content-disposition': expect.stringMatching(/^attachment; filename="msg_[a-z2-7]{26}\.eml"$/),
    });
    const unsigned = await get(answer.headers.location?.replace(/Signature=..../, 'Signature=0000') ?? null);
    expect(unsigned.status).toBe(403);
  });

  it('that are wrong, altered or of nothing are answered alike, and so is one that was revoked', async () => {
    const { raw } = eventAt(receivers.link);
    const [, base = '', token = ''] = /^(.*\/)([\w-]{22})\/raw$/.exec(raw.href ?? '') ?? [];
    const altered = `${base}${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}/raw`;
    const expected = told(await get(altered));
    expect(expected.status).toBe(404);
    const others = [
      `${base}${token}/attachments/3`,
      `${base}${token}`,
      `${stack.outputs.FilesUrl}files/msg_${'a'.repeat(26)}/${token}/raw`,
      `${stack.outputs.FilesUrl}v1/status`,
      `${stack.outputs.FilesUrl}`,
    ];
    for (const href of others) expect(told(await get(href)), href).toEqual(expected);
    await stack.json(['accounts', 'remove', 'ana']);
    expect(told(await get(raw.href))).toEqual(expected);
  });
});

describe('webhooks of the stack', () => {
  it('get attachments in the event where they ask for it, and no link where they want none', () => {
    const inline = eventAt(receivers.inline);
    const contents = inline.attachments.map(({ content }) => Buffer.from(content ?? '', 'base64').toString());
    expect(contents).toEqual([PAGE, TEXT]);
    expect(inline.attachments.map(({ content: _, ...one }) => one)).toEqual(
      eventAt(receivers.link).attachments.map(({ content: _, ...one }) => one),
    );
    const none = eventAt(receivers.none);
    expect([none.raw, ...none.attachments].map(({ href }) => href)).toEqual([null, null, null]);
  });
});
