import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOfHead, messageDigest } from '../../../../functions/poll/parse/digest.ts';
import { parseHeaderOnly, parseMessage } from '../../../../functions/poll/parse/parse-message.ts';
import { generateMails } from '../../../support/mail-generator.ts';
import { mail, parseJob } from '../../../support/parse-job.ts';

const parts = {
  messageId: '<a@x>',
  date: 'Tue, 2 Jan 2024 10:00:00 +0000',
  from: 'Ana <a@x>',
  subject: 'Hi',
  sizeBytes: 5,
};

describe('messageDigest()', () => {
  it('keeps its published vector: stored digests must be found again by every later version', () => {
    expect(messageDigest(parts)).toBe('5adae481708baa88f00e51ebabffd0f45b6eddd58b289a2a7e956bdf18120251');
  });

  it.each([
    [{ messageId: '<b@x>' }],
    [{ date: null }],
    [{ from: 'Bob <a@x>' }],
    [{ subject: null }],
    [{ sizeBytes: 6 }],
    [{ from: 'Hi', subject: 'Ana <a@x>' }],
  ])('differs with %j', (change) => {
    expect(messageDigest({ ...parts, ...change })).not.toBe(messageDigest(parts));
  });

  it('does not see how a server folds', () => {
    expect(messageDigest({ ...parts, subject: ' Hi\r\n\tyou ' })).toBe(
      messageDigest({ ...parts, subject: 'Hi you' }),
    );
  });
});

describe('digestOfHead()', () => {
  it('is the digest of the whole message', async () => {
    for (const message of generateMails({ seed: 3, count: 40, totalBytes: 200_000 })) {
      const head = message.subarray(0, message.indexOf('\r\n\r\n') + 4);
      const parsed = await parseMessage(parseJob(message));
      expect(digestOfHead(head, message.length)).toBe(parsed.digest);
      expect(digestOfHead(message, message.length)).toBe(parsed.digest);
      expect(parseHeaderOnly(parseJob(message), 'x').digest).toBe(parsed.digest);
      expect((await parseMessage(parseJob(head, { oversizeBytes: message.length }))).digest).toBe(
        parsed.digest,
      );
    }
  });

  it('is the same for any header, whatever follows it', () => {
    const line = fc.tuple(
      fc.constantFrom('Subject', 'From', 'Date', 'Message-ID', 'X', 'no field'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line), fc.string(), (lines, body) => {
        const head = lines.map(([name, value]) => `${name}: ${value.replaceAll(/[\r\n]/g, ' ')}`);
        const whole = mail(...head, '', body);
        expect(digestOfHead(mail(...head, ''), 9)).toBe(digestOfHead(whole, 9));
      }),
    );
  });

  it('does not change with the way a server ends lines', () => {
    const head = mail('Subject: a', ' b', 'From: x@y', '').toString();
    expect(digestOfHead(Buffer.from(head.replaceAll('\r', '')), 1)).toBe(digestOfHead(Buffer.from(head), 1));
  });
});
