import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HeaderFields, readHeaderFields } from '../../../../functions/poll/parse/header-fields.ts';
import { readHeaderSection } from '../../../../functions/poll/parse/headers.ts';
import { MAX_REFERENCES, MAX_SUBJECT_CHARS } from '../../../../functions/poll/parse/limits.ts';

const fieldsOf = (...lines: readonly (string | Buffer)[]): HeaderFields => {
  const parts = lines.flatMap((line) => [Buffer.from(line), Buffer.from('\r\n')]);
  return readHeaderFields(readHeaderSection(Buffer.concat([...parts, Buffer.from('\r\n')])));
};
const latin1 = (text: string) => Buffer.from(text, 'latin1');

describe('readHeaderFields() subject', () => {
  it.each([
    ['plain', 'Subject: Hello', 'Hello'],
    ['Q words', 'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_an_alle?=', 'Grüße an alle'],
    ['B words', 'Subject: =?utf-8?B?5Lya6K2w?=', '会議'],
    ['a character split over words', 'Subject: =?utf-8?Q?a=C3?= =?utf-8?Q?=BC?=', 'aü'],
    ['words and text', 'Subject: Re: =?iso-8859-1?Q?caf=E9?= today', 'Re: café today'],
    ['ISO-2022-JP', 'Subject: =?ISO-2022-JP?B?GyRCMnE1RBsoQg==?=', '会議'],
    ['UTF-8 without encoding (RFC 6532)', 'Subject: Grüße', 'Grüße'],
    ['8 bits that are no UTF-8', latin1('Subject: Gr\xfc\xdfe \x80'), 'Grüße €'],
    ['raw bytes inside a word', latin1('Subject: =?iso-8859-1?Q?Fr\xf6sche?='), 'Frösche'],
    ['a fold', 'Subject: one\r\n two\r\n\tthree', 'one two three'],
    ['an unknown charset', 'Subject: =?x-nope?Q?abc?=', 'abc'],
    ['control characters', 'Subject: a\0b\x1b[31m\x7f=?utf-8?Q?=0D=0ABcc:_x?=', 'a b [31m  Bcc: x'],
    ['half of a surrogate pair', 'Subject: =?utf-16be?B?2AAAQQ==?=', '\ufffdA'],
    ['nothing', 'Subject:', null],
    ['no subject', 'X: 1', null],
  ])('reads %s', (_, line, expected) => {
    expect(fieldsOf(line).subject).toBe(expected);
  });

  it('cuts an endless one and says so', () => {
    const { subject, truncated } = fieldsOf(`Subject: ${'x'.repeat(MAX_SUBJECT_CHARS)}y`);
    expect(subject).toBe('x'.repeat(MAX_SUBJECT_CHARS));
    expect(truncated).toContain('subject');
  });
});

describe('readHeaderFields() ids', () => {
  it.each([
    ['<a@example.com>', '<a@example.com>'],
    ['a@example.com', '<a@example.com>'],
    ['<a@example.com> (comment)', '<a@example.com>'],
    ['<long\r\n er@example.com>', '<longer@example.com>'],
    ['<no-at-sign>', '<no-at-sign>'],
    ['<>', null],
    ['', null],
  ])('reads Message-ID: %s', (value, expected) => {
    expect(fieldsOf(`Message-ID: ${value}`).messageId).toBe(expected);
  });

  it.each([
    ['one', '<a@x>', ['<a@x>']],
    ['several on folded lines', '<a@x>\r\n <b@x>\t<c@x>', ['<a@x>', '<b@x>', '<c@x>']],
    ['ids that run together', '<a@x><b@x>', ['<a@x>', '<b@x>']],
    ['ids without brackets', 'a@x b@x', ['<a@x>', '<b@x>']],
    ['phrases between', 'your mail of Monday <a@x>', ['<a@x>']],
    ['encoded by a broken library', '=?utf-8?q?=3Ca=40x=3E?=', ['<a@x>']],
    ['none', '', []],
  ])('reads References with %s', (_, value, expected) => {
    expect(fieldsOf(`References: ${value}`).references).toEqual(expected);
  });

  it('takes the first id of In-Reply-To', () => {
    expect(fieldsOf('In-Reply-To: Message of "Monday" <a@x> <b@x>').inReplyTo).toBe('<a@x>');
  });

  it('leaves out an id beyond all length, since a part of it would be another one', () => {
    const { messageId, truncated } = fieldsOf(`Message-ID: <${'a'.repeat(2_000)}@x>`);
    expect([messageId, truncated]).toEqual([null, ['messageId']]);
  });

  it('keeps the first and the latest of too many references', () => {
    const ids = Array.from({ length: 800 }, (_, i) => `<${i}@x>`);
    const { references, truncated } = fieldsOf(`References: ${ids.join('\r\n ')}`);
    expect(references).toEqual([ids[0], ...ids.slice(-(MAX_REFERENCES.count - 1))]);
    expect(truncated).toContain('references');
  });
});

describe('readHeaderFields() lists and automata', () => {
  it('reads List-Id and the links of List-Unsubscribe', () => {
    const fields = fieldsOf(
      'List-Id: News of the shop <news.shop.example>',
      'List-Unsubscribe: <mailto:u@shop.example?subject=u>,\r\n <https://shop.example/u>, <javascript:alert(1)>',
    );
    expect(fields.list).toEqual({
      id: 'news.shop.example',
      unsubscribe: ['mailto:u@shop.example?subject=u', 'https://shop.example/u'],
    });
  });

  it.each([
    [['List-Id: news.shop.example'], { id: 'news.shop.example', unsubscribe: [] }],
    [['List-Unsubscribe: https://shop.example/u'], { id: null, unsubscribe: ['https://shop.example/u'] }],
    [['Precedence: list'], null],
  ])('reads %s', (lines, expected) => {
    expect(fieldsOf(...lines).list).toEqual(expected);
  });

  it.each([
    ['auto-replied', 'auto-replied'],
    ['Auto-Generated (rejected)', 'auto-generated'],
    ['auto-notified; owner-email="a@x"', 'auto-notified'],
    ['no', 'no'],
    ['', null],
  ])('reads Auto-Submitted: %s (RFC 3834)', (value, expected) => {
    expect(fieldsOf(`Auto-Submitted: ${value}`).autoSubmitted).toBe(expected);
  });
});

describe('readHeaderFields() headers', () => {
  it('lists every field in order, decoded, with names as written', () => {
    const { headers } = fieldsOf(
      'Received: by b\r\n\tfor a',
      'X-MIXED-case: =?utf-8?Q?=C3=BC?=',
      'Received: by c',
      '__proto__: p',
    );
    expect(headers).toEqual([
      { name: 'Received', value: 'by b for a' },
      { name: 'X-MIXED-case', value: 'ü' },
      { name: 'Received', value: 'by c' },
      { name: '__proto__', value: 'p' },
    ]);
  });

  it('answers for any header with bounded lists and well-formed texts', () => {
    const name = fc.constantFrom(
      'From',
      'To',
      'Cc',
      'Subject',
      'Date',
      'Message-ID',
      'References',
      'List-Id',
      'List-Unsubscribe',
      'X',
    );
    const part = fc.constantFrom(
      '<',
      '>',
      '@',
      'a',
      ',',
      ';',
      ':',
      '"',
      '(',
      ')',
      '\\',
      '=?utf-8?Q?',
      '=C3',
      '?=',
      '\xe9',
      '\0',
      ' ',
      '\r\n ',
      '=?utf-16?B?2AA=?=',
    );
    const value = fc.oneof(
      fc.array(part, { maxLength: 30 }).map((parts) => parts.join('')),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 8 }), (lines) => {
        const fields = fieldsOf(...lines.map(([key, text]) => latin1(`${key}: ${text}`)));
        expect(JSON.stringify(fields).isWellFormed()).toBe(true);
        // Were there a lone surrogate, JSON would have escaped it.
        expect(JSON.stringify(fields)).not.toMatch(/\\ud[89a-f]|\\u00/i);
        for (const { address, name: shown } of fields.to) expect(address ?? shown).not.toBe('');
      }),
      { numRuns: 500 },
    );
  });
});
