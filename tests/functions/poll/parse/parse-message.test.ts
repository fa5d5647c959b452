import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseMessage } from '../../../../functions/poll/parse/parse-message.ts';
import type { MessageData } from '../../../../shared/event.ts';
import { eventOf, mail, parseJob } from '../../../support/parse-job.ts';

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');
const dataOf = async (message: Buffer): Promise<MessageData> =>
  eventOf(await parseMessage(parseJob(message))).data;

describe('parseMessage() on mails as they come', () => {
  it('reads text and html of an alternative with everything around it', async () => {
    const message = mail(
      'Return-Path: <ana@example.com>',
      'Received: from a.example by b.example; Tue, 2 Jan 2024 10:00:01 +0000',
      'From: =?UTF-8?Q?Ana_L=C3=ADma?= <ana@example.com>',
      'To: Bob <bob@example.org>, team@example.org',
      'Cc: Carla <carla@example.org>',
      'Reply-To: help@example.com',
      'Subject: =?UTF-8?B?UHJlaXPDvGJlcnNpY2h0?=',
      'Date: Tue, 2 Jan 2024 11:00:00 +0100',
      'Message-ID: <1@example.com>',
      'In-Reply-To: <0@example.com>',
      'References: <r@example.com> <0@example.com>',
      'MIME-Version: 1.0',
      'Content-Type: multipart/alternative; boundary="b1"',
      '',
      'This is a multi-part message.',
      '--b1',
      'Content-Type: text/plain; charset=UTF-8',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'Gr=C3=BC=C3=9Fe',
      '.',
      '--b1',
      'Content-Type: text/html; charset=UTF-8',
      'Content-Transfer-Encoding: base64',
      '',
      Buffer.from('<p>Grüße</p>').toString('base64'),
      '--b1--',
      'Epilogue',
    );
    const parsed = await parseMessage(
      parseJob(message, { flags: ['\\Seen'], labels: ['Work'], backfill: true }),
    );
    expect(parsed).toMatchObject({
      messageId: '<1@example.com>',
      from: 'Ana Líma <ana@example.com>',
      subject: 'Preisübersicht',
      parseError: null,
    });
    const event = eventOf(parsed);
    expect(event.type).toBe('message.received');
    expect(event.timestamp).toBe('2026-11-25T12:00:00.000Z');
    expect(event.data).toEqual({
      id: 'msg_mrn7j3b5hkmhn7flhr4knsdsvx',
      account: { id: 'acc_gu5xweqhvnooiclr', name: 'ana' },
      source: { protocol: 'imap', mailbox: 'INBOX', uidValidity: '1', uid: 2 },
      backfill: true,
      receivedAt: '2026-11-25T12:00:00.000Z',
      date: '2024-01-02T10:00:00.000Z',
      messageId: '<1@example.com>',
      inReplyTo: '<0@example.com>',
      references: ['<r@example.com>', '<0@example.com>'],
      from: { name: 'Ana Líma', address: 'ana@example.com' },
      authors: [{ name: 'Ana Líma', address: 'ana@example.com' }],
      sender: null,
      replyTo: [{ name: null, address: 'help@example.com' }],
      to: [
        { name: 'Bob', address: 'bob@example.org' },
        { name: null, address: 'team@example.org' },
      ],
      cc: [{ name: 'Carla', address: 'carla@example.org' }],
      bcc: [],
      subject: 'Preisübersicht',
      text: 'Grüße\n.',
      html: '<p>Grüße</p>',
      headers: expect.arrayContaining([{ name: 'Subject', value: 'Preisübersicht' }]),
      flags: ['\\Seen'],
      labels: ['Work'],
      size: message.length,
      attachments: [],
      list: null,
      autoSubmitted: null,
      raw: { href: null, sha256: sha256(message) },
      truncated: [],
      parseError: null,
    });
    expect(event.data.headers).toHaveLength(13);
  });

  it('joins the texts of several parts without marks between them', async () => {
    const part = (type: string, text: string) => ['--b', `Content-Type: ${type}`, '', text];
    const lines = [
      ...part('text/plain', 'first'),
      ...part('text/html', '<p>one</p>'),
      ...part('text/plain', 'second'),
      ...part('text/html', '<p>two</p>'),
    ];
    const data = await dataOf(mail('Content-Type: multipart/mixed; boundary=b', '', ...lines, '--b--'));
    expect(data).toMatchObject({ text: 'first\nsecond', html: '<p>one</p>\n<p>two</p>', attachments: [] });
  });

  it('reads a bounce, its status into the text and the returned mail as a file', async () => {
    const data = await dataOf(
      mail(
        'From: MAILER-DAEMON@example.com',
        'Auto-Submitted: auto-replied',
        'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
        '',
        '--b',
        '',
        'Not delivered.',
        '--b',
        'Content-Type: message/delivery-status',
        '',
        'Final-Recipient: rfc822; bob@example.org',
        'Status: 5.1.1',
        '--b',
        'Content-Type: message/rfc822',
        '',
        'Subject: returned',
        'Date: nonsense',
        '',
        'hello',
        '--b--',
      ),
    );
    expect(data.text).toContain('Not delivered.');
    expect(data.text).toContain('Status: 5.1.1');
    expect(data).toMatchObject({ autoSubmitted: 'auto-replied', subject: null });
    expect(data.attachments.map(({ contentType, size }) => [contentType, size])).toEqual([
      ['message/rfc822', 42],
    ]);
  });

  it('keeps an embedded message as a file even when it is inline, for its date may be unreadable', async () => {
    const message = mail(
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: message/rfc822',
      'Content-Disposition: inline',
      '',
      'Subject: inner',
      'Date: nonsense',
      '',
      'hello',
      '--b--',
    );
    const data = await dataOf(message);
    expect(data).toMatchObject({
      text: null,
      attachments: [{ contentType: 'message/rfc822', disposition: 'inline' }],
    });
  });

  it('reads a mail whose lines end in CR alone', async () => {
    const data = await dataOf(Buffer.from('Subject: old\rContent-Type: text/plain\r\rone\rtwo\r'));
    expect(data).toMatchObject({ subject: 'old', text: 'one\ntwo\n', parseError: null });
  });

  it('takes bytes without a header for text', async () => {
    expect(await dataOf(Buffer.from('just words\r\n'))).toMatchObject({ headers: [], text: 'just words\n' });
    expect(await dataOf(Buffer.alloc(0))).toMatchObject({ headers: [], text: null, size: 0 });
  });
});
