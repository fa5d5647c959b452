import { describe, expect, it } from 'vitest';
import { readHeaderSection } from '../../../../functions/poll/parse/headers.ts';
import { plainHeader, readPartHeader } from '../../../../functions/poll/parse/part-header.ts';
import { mail } from '../../../support/parse-job.ts';

const read = (...lines: string[]) =>
  readPartHeader(readHeaderSection(Buffer.from(mail(...lines, '').toString(), 'latin1')), 'text/plain');
const filename = (line: string) => read(line).filename;

describe('readPartHeader() names', () => {
  it.each([
    ['filename="a b.txt"', 'a b.txt'],
    ['filename=a b.txt', 'a b.txt'],
    ['filename="a;b.txt"', 'a;b.txt'],
    ['filename="a\\"b.txt"', 'a"b.txt'],
    ['filename="c:\\dir\\a.txt"', 'c:\\dir\\a.txt'],
    ['filename="a(1).txt"', 'a(1).txt'],
    ['filename=a(1).txt', 'a(1).txt'],
    ['filename="open', 'open'],
    ['filename=a.txt; filename=b.txt', 'a.txt'],
    ['FILENAME=a.txt;', 'a.txt'],
    ['name=a.txt', 'a.txt'],
    ["filename*=utf-8''caf%C3%A9.txt", 'café.txt'],
    ["filename=cafe.txt; filename*=UTF-8'fr'caf%C3%A9.txt", 'café.txt'],
    ["filename*=UTF-8''caf%C3%A9.txt; filename=cafe.txt", 'café.txt'],
    ["filename*=iso-8859-1''caf%E9.txt", 'café.txt'],
    ["filename*=''caf%C3%A9.txt", 'café.txt'],
    ["filename*=shift_jis''%82%B1.txt", 'こ.txt'],
    ['filename*0=a; filename*1="b c"; filename*2=.txt', 'ab c.txt'],
    ['filename*1=b.txt; filename*0=a', 'ab.txt'],
    ["filename*0*=utf-8''caf%C3; filename*1*=%A9; filename*2=.txt", 'café.txt'],
    ['filename*0="=?utf-8?B?Y2Fm"; filename*1="w6k=?="', 'café'],
    ['filename="=?utf-8?Q?caf=C3=A9.txt?="', 'café.txt'],
    ['filename==?utf-8?Q?caf=C3=A9.txt?=', 'café.txt'],
    ['filename="=?iso-8859-1?Q?caf=E9?= =?iso-8859-1?Q?.txt?="', 'café.txt'],
    ['filename="=?unicode-1-1-utf-7?Q?caf+AOk-?="', 'café'],
    ["filename*=utf-8''=3D=?utf-8?Q?x?=", '=3D=?utf-8?Q?x?='],
    ['filename="utf-8\'\'caf%C3%A9.txt"', 'café.txt'],
    ['filename="100% it\'s\'mine.txt"', "100% it's'mine.txt"],
    ['filename="caf\xc3\xa9.txt"', 'café.txt'],
    ['filename="caf\xe9.txt"', 'café.txt'],
    ['filename=""', null],
    ['filename', null],
  ])('reads %s', (parameters, expected) => {
    expect(filename(`Content-Disposition: attachment; ${parameters}`)).toBe(expected);
  });

  it('takes the name of the type where the disposition has none', () => {
    expect(filename('Content-Type: image/png; name="=?utf-8?Q?=C3=BC?=.png"')).toBe('ü.png');
    expect(read('Content-Disposition: inline; filename=a', 'Content-Type: image/png; name=b').filename).toBe(
      'a',
    );
  });

  it.each(['Content-Disposition: attachment filename=a.txt', 'Content-Disposition: filename=a.txt'])(
    'reads %s, where a semicolon or the value is forgotten',
    (line) => {
      expect(filename(line)).toBe('a.txt');
    },
  );

  it('reads names over folded lines', () => {
    expect(filename('Content-Disposition: attachment;\r\n\tfilename="=?utf-8?Q?a?=\r\n =?utf-8?Q?b?="')).toBe(
      'ab',
    );
  });
});

describe('readPartHeader()', () => {
  it.each([
    ['Content-Type: TEXT/HTML; charset=x', 'text/html'],
    ['Content-Type: text/plain (a) ; charset=x', 'text/plain'],
    ['Content-Type: text', 'text/plain'],
    ['Content-Type: foo bar', 'text/plain'],
    ['Content-Type:', 'text/plain'],
    ['Content-Type: image', 'application/octet-stream'],
    ['Content-Type: image/a b', 'application/octet-stream'],
    ['Content-Type: multipart/mixed boundary=b', 'multipart/mixed'],
    ['X: y', 'text/plain'],
    ['Content-Disposition: attachment', 'application/octet-stream'],
    ['Content-Disposition: attachment; filename=a.png', 'image/png'],
    ['Content-Disposition: inline; filename=a.nope', 'application/octet-stream'],
    [`Content-Type: text/html; x=${'x'.repeat(40_000)}`, 'text/plain'],
  ])('reads the type of %s', (line, expected) => {
    expect(read(line).type).toBe(expected);
  });

  it.each([
    ['BASE64', 'base64'],
    ['base64;', 'base64'],
    ['"base64"', 'base64'],
    ['base64 (x)', 'base64'],
    ['base-64', 'base64'],
    ['Quoted-Printable', 'quoted-printable'],
    ['quoted_printable', 'quoted-printable'],
    ['X-UUencode', 'uuencode'],
    ['8bit', 'identity'],
    ['x-nope', 'identity'],
  ])('reads the encoding %s', (value, expected) => {
    expect(read(`Content-Transfer-Encoding: ${value}`).encoding).toBe(expected);
  });

  it.each([
    ['inline', 'inline'],
    ['INLINE; x=y', 'inline'],
    ['attachment', 'attachment'],
    ['form-data', 'attachment'],
    ['', null],
  ])('reads the disposition %j', (value, expected) => {
    expect(read(`Content-Disposition: ${value}`).disposition).toBe(expected);
  });

  it.each(['<a@b>', 'a@b', ' < a@b >', '<a@b> junk', '"<a@b>"', '=?utf-8?Q?=3Ca=40b=3E?=', '<a@b'])(
    'reads the Content-ID %s',
    (value) => {
      expect(read(`Content-ID: ${value}`).contentId).toBe('a@b');
    },
  );
});

describe('plainHeader()', () => {
  it.each(['b', 'a b', "a'(b)+_,-./:=?", 'a"b', 'a\\b', '=_a;b'])('keeps the boundary %s', (boundary) => {
    const quoted = boundary.replace(/["\\]/g, '\\$&');
    const header = read(`Content-Type: multipart/mixed; boundary="${quoted}"`);
    const again = readPartHeader(readHeaderSection(plainHeader(header)), 'text/plain');
    expect([header.boundary, again.boundary]).toEqual([boundary, boundary]);
  });
});
