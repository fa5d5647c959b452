import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { generateMails } from './mail-generator.ts';

const hashOf = (mails: readonly Buffer[]) => {
  const hash = createHash('sha256');
  for (const mail of mails) hash.update(mail);
  return hash.digest('hex');
};

describe('generateMails()', () => {
  const mails = generateMails({ seed: 7, count: 300 });

  it('gives the same mails for the same seed, and others for another', () => {
    expect(hashOf(generateMails({ seed: 7, count: 300 }))).toBe(hashOf(mails));
    expect(hashOf(generateMails({ seed: 8, count: 300 }))).not.toBe(hashOf(mails));
  });

  it('gives every mail a Message-ID of its own', () => {
    const ids = mails.map((mail) => /^Message-ID: (<.*>)\r$/m.exec(mail.toString('latin1'))?.[1]);
    expect(new Set(ids).size).toBe(300);
    expect(ids).not.toContain(undefined);
  });

  it('ends every line with CRLF, and has dots, long lines and 8-bit bytes somewhere', () => {
    const texts = mails.map((mail) => mail.toString('latin1'));
    expect(texts.filter((text) => /(^|[^\r])\n|\r([^\n]|$)/.test(text))).toEqual([]);
    expect(texts.filter((text) => !text.endsWith('\r\n'))).toEqual([]);
    expect(texts.some((text) => text.includes('\r\n.\r\n'))).toBe(true);
    expect(texts.some((text) => text.includes('\r\n..'))).toBe(true);
    expect(texts.some((text) => text.split('\r\n').some((line) => line.length > 998))).toBe(true);
    expect(texts.some((text) => /[\x80-\xff]/.test(text))).toBe(true);
  });

  it('meets the total it is asked for within a tenth', () => {
    const sum = generateMails({ seed: 1, count: 400, totalBytes: 6_000_000 }).reduce(
      (n, m) => n + m.length,
      0,
    );
    expect(Math.abs(sum - 6_000_000)).toBeLessThan(600_000);
  });
});
