import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  attachmentHref,
  isToken,
  linksExpireAt,
  MAX_PUBLIC_URL_CHARS,
  newFileLink,
  parseLinkPath,
  parsePublicUrl,
  rawHref,
} from '../../shared/file-link.ts';
import type { EventId } from '../../shared/identity.ts';

const ID = `msg_${'a'.repeat(26)}` as EventId;
const link = newFileLink('https://files.example.com/mail', ID, (size) => new Uint8Array(size).fill(255));
const pathOf = (href: string) => new URL(href).pathname.replace('/mail', '');

describe('newFileLink()', () => {
  it('makes links of 128 random bits', () => {
    expect(link.token).toBe(`${'_'.repeat(21)}w`);
    expect(link.base).toBe(`https://files.example.com/mail/files/${ID}/${link.token}`);
    const tokens = Array.from({ length: 100 }, () => newFileLink('http://x', ID, randomBytes).token);
    expect(new Set(tokens).size).toBe(100);
    expect(tokens.every((token) => Buffer.from(token, 'base64url').length === 16)).toBe(true);
  });

  it('makes what parseLinkPath() reads', () => {
    expect(parseLinkPath(pathOf(rawHref(link.base)))).toEqual({
      ...{ eventId: ID, token: link.token, file: { kind: 'raw' } },
    });
    expect(parseLinkPath(pathOf(attachmentHref(link.base, '12')))).toEqual({
      ...{ eventId: ID, token: link.token, file: { kind: 'attachment', id: '12' } },
    });
  });
});

describe('parseLinkPath()', () => {
  const { token } = link;
  it.each([
    `/files/${ID}/${token}`,
    `/files/${ID}/${token}/`,
    `/files/${ID}/${token}/raw/`,
    `/files/${ID}/${token}/raw/1`,
    `/files/${ID}/${token}/attachments`,
    `/files/${ID}/${token}/attachments/0`,
    `/files/${ID}/${token}/attachments/1/2`,
    `/files/${ID}/${token}/attachments/..`,
    `/files/${ID}/${token}x/raw`,
    `/files/${ID}/${token.slice(1)}/raw`,
    `/files/${ID}//raw`,
    `/files/${ID.toUpperCase()}/${token}/raw`,
    `/files/acc_aaaaaaaaaaaaaaaa/${token}/raw`,
    `//files/${ID}/${token}/raw`,
    `/Files/${ID}/${token}/raw`,
    `/files/%6dsg_${'a'.repeat(26)}/${token}/raw`,
    '/files/',
    '',
  ])('takes %j for no link', (path) => {
    expect(parseLinkPath(path)).toBeNull();
  });

  it('never throws, and reads nothing else as a link', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(parseLinkPath(text)).toBeNull();
        expect(parseLinkPath(`/files/${text}`)).toBeNull();
      }),
    );
  });
});

describe('isToken()', () => {
  it('tells every other token from the kept one', () => {
    expect(isToken(link.token, link.token)).toBe(true);
    for (let at = 0; at < link.token.length; at++) {
      const altered = `${link.token.slice(0, at)}A${link.token.slice(at + 1)}`;
      expect(isToken(altered, link.token)).toBe(false);
    }
  });

  it('opens nothing where no token is kept, whatever is given', () => {
    for (const given of ['', 'null', link.token]) {
      expect(isToken(given, null)).toBe(false);
      expect(isToken(given, '')).toBe(false);
    }
  });
});

describe('linksExpireAt()', () => {
  it('counts days from the commit', () => {
    const at = linksExpireAt('2026-11-25T08:00:00.000Z', 30);
    expect(at.toISOString()).toBe('2026-12-25T08:00:00.000Z');
  });
});

describe('parsePublicUrl()', () => {
  it.each([
    ['http://127.0.0.1:8025', 'http://127.0.0.1:8025'],
    ['https://Mail.Example.com/', 'https://mail.example.com'],
    ['https://example.com/mail//', 'https://example.com/mail'],
    [`https://${'a'.repeat(MAX_PUBLIC_URL_CHARS - 8)}`, `https://${'a'.repeat(MAX_PUBLIC_URL_CHARS - 8)}`],
  ])('takes %s as %s', (text, expected) => {
    expect(parsePublicUrl(text)).toBe(expected);
  });

  it.each([
    'example.com',
    'ftp://example.com',
    'javascript:alert(1)',
    'https://user@example.com',
    'https://user:secret@example.com',
    'https://example.com/?a=b',
    'https://example.com/#x',
    'https://example.com/?',
    `https://${'a'.repeat(MAX_PUBLIC_URL_CHARS)}`,
    '',
  ])('refuses %j', (text) => {
    expect(parsePublicUrl(text)).toBeNull();
  });
});
