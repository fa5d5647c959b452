import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCharset } from '../../../../functions/poll/parse/charset.ts';

const bytes = (latin1: string) => Buffer.from(latin1, 'latin1');

describe('decodeCharset()', () => {
  it.each([
    ['gb2312', '\xc4\xe3\xba\xc3', '你好'],
    ['GB18030', '\xc4\xe3\x81\x30\x81\x30\x94\x39\xda\x33', '你\x80💩'],
    ['gbk', '\x81\x40', '丂'],
    ['big5', '\xa7\x41', '你'],
    ['iso-2022-jp', '\x1b$B$3$s\x1b(Ba', 'こんa'],
    ['Shift_JIS', '\x82\xb1\x87\x40', 'こ①'],
    ['euc-jp', '\xa4\xb3', 'こ'],
    ['ks_c_5601-1987', '\xb0\xa1', '가'],
    ['iso-2022-kr', '\x1b$)C\x0e0!\x0f a', '가 a'],
    ['iso-2022-cn', '\x1b$)A\x0eVP\x0f a', '中 a'],
    ['hz-gb-2312', 'a~{VPND~}b~~~\nc', 'a中文b~c'],
    ['koi8-r', '\xf0\xd2', 'Пр'],
    ['koi8-u', '\xb4', 'Є'],
    ['windows-1250', '\x9a', 'š'],
    ['cp1251', '\xcf\xf0', 'Пр'],
    ['win-1253', '\xe1', 'α'],
    ['windows-1258', '\xd2', '\u0309'],
    ['iso-8859-1', '\x93\xe9\x94', '“é”'],
    ['iso-8859-8-i', '\xf9', 'ש'],
    ['iso-8859-15', '\xa4', '€'],
    ['tis-620', '\xa1', 'ก'],
    ['macintosh', '\x8e', 'é'],
    ['ibm850', '\x82', 'é'],
    ['utf-16le', 'h\0i\0', 'hi'],
    ['utf-16', '\xfe\xff\0h\0i', 'hi'],
    ['UTF8', 'caf\xc3\xa9', 'café'],
    ['utf8mb4', '\xf0\x9f\x92\xa9', '💩'],
    ["'utf-8';", 'caf\xc3\xa9', 'café'],
  ])('reads %s', (label, content, expected) => {
    expect(decodeCharset(bytes(content), label)).toBe(expected);
  });

  it.each([
    '',
    'us-ascii',
    'ANSI_X3.4-1968',
    '8bit',
    'unknown-8bit',
    'x-user-defined',
    'x-nope',
    'base64',
    'hex',
  ])('reads bytes that are called %j as what they look like', (label) => {
    expect(decodeCharset(bytes('caf\xc3\xa9'), label)).toBe('café');
    expect(decodeCharset(bytes('caf\xe9 \x93'), label)).toBe('café “');
    expect(decodeCharset(bytes('\x1b$B$3\x1b(B'), label)).toBe('こ');
  });

  it('reads what says UTF-8 and has no character of it as windows-1252, and nothing else so', () => {
    expect(decodeCharset(bytes('caf\xe9'), 'utf-8')).toBe('café');
    expect(decodeCharset(bytes('caf\xc3\xa9 \xe9'), 'utf-8')).toBe('café \ufffd');
    expect(decodeCharset(bytes('\xef\xbf\xbd'), 'utf-8')).toBe('\ufffd');
  });

  it.each([
    ['utf-8', '\xef\xbb\xbfa'],
    ['', '\xef\xbb\xbfa'],
    ['utf-16', '\xff\xfea\0'],
  ])('drops the byte order mark of %j', (label, content) => {
    expect(decodeCharset(bytes(content), label)).toBe('a');
  });

  it('never throws, whatever the bytes and the label', () => {
    const label = fc.oneof(
      fc.string(),
      fc.constantFrom('utf-7', 'iso-2022-jp', 'iso-2022-kr', 'hz', 'gb18030'),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), label, (array, name) => {
        expect(typeof decodeCharset(Buffer.from(array), name)).toBe('string');
      }),
    );
  });
});

describe('decodeCharset() of UTF-7 (RFC 2152)', () => {
  it.each([
    ['A+ImIDkQ.', 'A≢Α.'],
    ['Hi Mom -+Jjo--!', 'Hi Mom -☺-!'],
    ['+ZeVnLIqe-', '日本語'],
    ['Item 3 is +AKM-1.', 'Item 3 is £1.'],
    ['+2D3cqQ-', '💩'],
    ['2 +- 2', '2 + 2'],
    ['2 + 2, a+b', '2 + 2, a+b'],
    ['caf+AOk', 'café'],
  ])('reads %j', (content, expected) => {
    expect(decodeCharset(bytes(content), 'utf-7')).toBe(expected);
    expect(decodeCharset(bytes(content), 'UNICODE-1-1-UTF-7')).toBe(expected);
  });

  it('gives back any text that was written in base64', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (text) => {
        const base64 = Buffer.from(text, 'utf16le').swap16().toString('base64').replace(/=+$/, '');
        expect(decodeCharset(bytes(`+${base64}-`), 'utf-7')).toBe(text);
      }),
    );
  });
});
