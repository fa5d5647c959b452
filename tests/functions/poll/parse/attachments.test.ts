import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseMessage } from '../../../../functions/poll/parse/parse-message.ts';
import type { MessageData } from '../../../../shared/event.ts';
import { eventOf, mail, parseJob } from '../../../support/parse-job.ts';

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');
const dataOf = async (message: Buffer): Promise<MessageData> =>
  eventOf(await parseMessage(parseJob(message))).data;

const PNG = Buffer.from('89504e470d0a1a0a0000', 'hex');

describe('parseMessage() attachments', () => {
  it('describes files and inline images by their decoded bytes, and leaves cid links alone', async () => {
    const message = mail(
      'Content-Type: multipart/mixed; boundary=out',
      '',
      '--out',
      'Content-Type: multipart/related; boundary=in',
      '',
      '--in',
      'Content-Type: text/html; charset=utf-8',
      '',
      '<img src="cid:logo@x">',
      '--in',
      'Content-Type: image/png; name="logo.png"',
      'Content-Transfer-Encoding: base64',
      'Content-ID: <logo@x>',
      'Content-Disposition: inline',
      '',
      PNG.toString('base64'),
      '--in--',
      '--out',
      'Content-Type: application/octet-stream',
      "Content-Disposition: attachment; filename*0*=utf-8''Gr%C3%BC; filename*1*=%C3%9Fe.pdf",
      'Content-Transfer-Encoding: base64',
      '',
      'aGVsbG8=',
      '--out',
      'Content-Type: text/plain; name="=?utf-8?Q?=C3=BCbersicht.txt?="',
      'Content-Disposition: attachment; filename="=?utf-8?Q?=C3=BCbersicht.txt?="',
      '',
      'a file',
      '--out',
      'Content-Type: text/calendar; method=REQUEST',
      '',
      'BEGIN:VCALENDAR',
      '--out',
      'Content-Type: application/x-empty',
      'Content-Disposition: x-unknown',
      '',
      '--out--',
    );
    const data = await dataOf(message);
    expect(data).toMatchObject({
      html: '<img src="cid:logo@x">',
      text: null,
      truncated: [],
      parseError: null,
    });
    const shown = data.attachments.map((one) => [
      one.id,
      one.filename,
      one.contentType,
      one.size,
      one.disposition,
    ]);
    expect(shown).toEqual([
      ['1', 'logo.png', 'image/png', PNG.length, 'inline'],
      ['2', 'Grüße.pdf', 'application/octet-stream', 5, 'attachment'],
      ['3', 'übersicht.txt', 'text/plain', 6, 'attachment'],
      ['4', null, 'text/calendar', 15, null],
      ['5', null, 'application/x-empty', 0, 'attachment'],
    ]);
    expect(data.attachments.map(({ sha256: hex }) => hex)).toEqual(
      [PNG, 'hello', 'a file', 'BEGIN:VCALENDAR', ''].map(sha256),
    );
    expect(data.attachments.map(({ contentId, href }) => [contentId, href])).toEqual([
      ['logo@x', null],
      ...Array.from({ length: 4 }, () => [null, null]),
    ]);
  });

  it.each([
    ['application/pdf', 'application/pdf'],
    ['Application/PDF; x=y', 'application/pdf'],
    ['image', 'application/octet-stream'],
    ['image/a\0b', 'application/octet-stream'],
    [`image/${'x'.repeat(3_000)}`, 'application/octet-stream'],
    ['image/\u00fc', 'application/octet-stream'],
  ])('gives the type %s as a type', async (type, expected) => {
    const part = ['--b', `Content-Type: ${type}`, 'Content-Disposition: attachment; filename=a.png', '', 'x'];
    const data = await dataOf(mail('Content-Type: multipart/mixed; boundary=b', '', ...part, '--b--'));
    expect(data.attachments.map(({ contentType }) => contentType)).toEqual([expected]);
  });

  it.each([
    ['7bit', 'Subject: in\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n'],
    ['base64', Buffer.from('Subject: in\r\n\r\nx').toString('base64')],
  ])('gives a forwarded message in %s as a file of exactly its bytes', async (encoding, content) => {
    const bytes = encoding === 'base64' ? Buffer.from(content, 'base64') : Buffer.from(content);
    const part = [
      '--b',
      'Content-Type: message/rfc822',
      `Content-Transfer-Encoding: ${encoding}`,
      '',
      content,
    ];
    const data = await dataOf(mail('Content-Type: multipart/mixed; boundary=b', '', ...part, '--b--'));
    expect(data.attachments).toMatchObject([
      {
        contentType: 'message/rfc822',
        size: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      },
    ]);
    expect(data.text).toBeNull();
  });

  it('gives the messages of a digest as files, as their parts need not say (RFC 2046 section 5.1.5)', async () => {
    const parts = ['--b', '', 'Subject: one', '', 'x', '--b', 'Content-Type: text/plain', '', 'two'];
    const data = await dataOf(mail('Content-Type: multipart/digest; boundary=b', '', ...parts, '--b--'));
    expect(data.attachments.map(({ contentType }) => contentType)).toEqual(['message/rfc822']);
    expect(data.text).toBe('two');
  });

  it('reads a mail that is one file', async () => {
    const head = [
      'Content-Type: application/pdf; name=a.pdf',
      'Content-Transfer-Encoding: base64',
      'Content-ID: <c@x>',
    ];
    const data = await dataOf(mail(...head, '', 'aGVsbG8='));
    expect(data).toMatchObject({
      text: null,
      html: null,
      attachments: [{ filename: 'a.pdf', size: 5, contentId: 'c@x' }],
    });
  });

  it.each([
    ['../../etc/pass\twd', 'pass wd'],
    ['C:\\\\Temp\\\\a.txt', 'a.txt'],
    ['..', null],
    ['/', null],
    [' ', null],
    ['=?utf-8?Q?a=2F..=2Fb=00.txt?=', 'b .txt'],
    ['=?utf-8?B?4oCuZmRwLmV4ZQ==?=', 'fdp.exe'],
    [`${'x'.repeat(300)}.pdf`, `${'x'.repeat(251)}.pdf`],
  ])('cleans the file name %s', async (filename, expected) => {
    const data = await dataOf(
      mail(
        'Content-Type: application/pdf',
        `Content-Disposition: attachment; filename="${filename}"`,
        '',
        'x',
      ),
    );
    expect(data.attachments[0]?.filename).toBe(expected);
    expect(data.truncated).toEqual(filename.length > 255 ? ['attachments'] : []);
  });
});
