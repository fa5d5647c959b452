import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_EVENT_BYTES } from '../../../../functions/poll/parse/limits.ts';
import { parseHeaderOnly, parseMessage } from '../../../../functions/poll/parse/parse-message.ts';
import { unparsedMessage } from '../../../../functions/poll/parse/unparsed-message.ts';
import { eventOf, mail, parseJob } from '../../../support/parse-job.ts';

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

describe('parseMessage() on a header alone', () => {
  const head = mail('Subject: big', 'From: a@x.example', 'Content-Type: text/plain', '');

  it('says what an oversize message lacks, and gives its size on the server', async () => {
    const parsed = await parseMessage(parseJob(head, { oversizeBytes: 50_000_000 }));
    expect(eventOf(parsed).data).toMatchObject({
      subject: 'big',
      from: { name: null, address: 'a@x.example' },
      text: null,
      html: null,
      attachments: [],
      size: 50_000_000,
      raw: { href: null, sha256: null },
      truncated: ['text', 'html', 'attachments', 'raw'],
      parseError: null,
    });
  });

  it('parseHeaderOnly() gives the header, the hash and why', () => {
    expect(eventOf(parseHeaderOnly(parseJob(head), 'Parsing took longer than 20 s')).data).toMatchObject({
      subject: 'big',
      raw: { sha256: sha256(head) },
      truncated: ['text', 'html', 'attachments'],
      parseError: 'Parsing took longer than 20 s',
    });
  });

  it('unparsedMessage() gives where the message lies and why', () => {
    const { data } = eventOf(unparsedMessage(parseJob(head), 'The parser stopped'));
    expect(data).toMatchObject({
      subject: null,
      headers: [],
      size: head.length,
      parseError: 'The parser stopped',
    });
    expect(data.truncated).toEqual(['headers', 'text', 'html', 'attachments']);
  });
});

describe('parseMessage() on anything', () => {
  const line = fc.constantFrom(
    'Subject: =?utf-8?Q?=C3?=',
    'From: <a@b>, "c',
    'Date: nonsense',
    'Content-Type: multipart/mixed; boundary=b',
    'Content-Type: text/html; charset=utf-16',
    'Content-Type: message/rfc822',
    'Content-Transfer-Encoding: base64',
    'Content-Transfer-Encoding: quoted-printable',
    'Content-Disposition: attachment; filename=a/b',
    '',
    '--b',
    '--b--',
    '=C3=28 =',
    'aGVsbG8',
    '\ud800\0',
  );
  const message = fc.oneof(
    fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array)),
    fc.array(fc.oneof(line, fc.string()), { maxLength: 30 }).map((lines) => mail(...lines)),
    fc.array(line, { maxLength: 30 }).map((lines) => Buffer.from(lines.join('\n'))),
  );

  it('makes a valid, bounded event, the same one every time', async () => {
    await fc.assert(
      fc.asyncProperty(message, async (bytes) => {
        const before = sha256(bytes);
        const [first, second] = [await parseMessage(parseJob(bytes)), await parseMessage(parseJob(bytes))];
        expect(first.event.equals(second.event)).toBe(true);
        expect(first.event.length).toBeLessThanOrEqual(MAX_EVENT_BYTES);
        expect(first.event.toString()).not.toMatch(/\\ud[89a-f]|\\u0000/i);
        expect(eventOf(first).data).toMatchObject({ size: bytes.length, raw: { sha256: before } });
        expect(sha256(bytes)).toBe(before);
      }),
      { numRuns: 300 },
    );
  });

  it('gives each event an ArrayBuffer of its own', async () => {
    const { event } = await parseMessage(parseJob(mail('Subject: x', '')));
    expect([event.byteOffset, event.buffer.byteLength]).toEqual([0, event.length]);
  });
});
