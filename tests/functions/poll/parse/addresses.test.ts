import fc from 'fast-check';
import { parseAddressHeader } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../../../functions/poll/parse/format-address.ts';
import { type HeaderFields, readHeaderFields } from '../../../../functions/poll/parse/header-fields.ts';
import { readHeaderSection } from '../../../../functions/poll/parse/headers.ts';
import { MAX_ADDRESSES, MAX_FIELD_BYTES } from '../../../../functions/poll/parse/limits.ts';

const fieldsOf = (...lines: readonly string[]): HeaderFields =>
  readHeaderFields(readHeaderSection(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)));

describe('readHeaderFields() addresses', () => {
  it.each([
    ['ana@example.com', [[null, 'ana@example.com']]],
    ['<ana@example.com>', [[null, 'ana@example.com']]],
    ['Ana Lima <ana@example.com>', [['Ana Lima', 'ana@example.com']]],
    [
      '"Lima, Ana" <ana@example.com>, bob@example.com',
      [
        ['Lima, Ana', 'ana@example.com'],
        [null, 'bob@example.com'],
      ],
    ],
    ['=?utf-8?Q?J=C3=BCrgen?= =?utf-8?Q?_M?= <j@example.com>', [['Jürgen M', 'j@example.com']]],
    ['"=?utf-8?Q?J=C3=BC?=" <j@example.com>', [['Jü', 'j@example.com']]],
    [
      '=?utf-8?B?Qm9zcyA8Ym9zc0BiYW5rLmV4YW1wbGU+?= <x@example.com>',
      [['Boss <boss@bank.example>', 'x@example.com']],
    ],
    [
      'Team: a@example.com, "B" <b@example.com>; c@example.com',
      [
        [null, 'a@example.com'],
        ['B', 'b@example.com'],
        [null, 'c@example.com'],
      ],
    ],
    ['undisclosed-recipients:;', []],
    ['ana@example.com (Ana)', [['Ana', 'ana@example.com']]],
    ['MAILER-DAEMON', [['MAILER-DAEMON', null]]],
    ['ana@xn--bcher-kva.example', [[null, 'ana@xn--bcher-kva.example']]],
    ['"ana@example.com" <ana@example.com>', [['ana@example.com', 'ana@example.com']]],
    ['Müller <m@example.com>', [['Müller', 'm@example.com']]],
    [
      'a@example.com,\r\n\tb@example.com',
      [
        [null, 'a@example.com'],
        [null, 'b@example.com'],
      ],
    ],
    [
      'a@example.com,, ,b@example.com,',
      [
        [null, 'a@example.com'],
        [null, 'b@example.com'],
      ],
    ],
    ['<>', []],
    ['', []],
  ])('reads To: %s', (value, expected) => {
    expect(fieldsOf(`To: ${value}`).to.map(({ name, address }) => [name, address])).toEqual(expected);
  });

  it('takes every author of every From, and the first as from', () => {
    const { from, authors } = fieldsOf('From: a@example.com, B <b@example.com>', 'From: c@example.com');
    expect(from).toEqual({ name: null, address: 'a@example.com' });
    expect(authors.map(({ address }) => address)).toEqual([
      'a@example.com',
      'b@example.com',
      'c@example.com',
    ]);
  });

  it('has no author for From: <>', () => {
    expect(fieldsOf('From: <>')).toMatchObject({ from: null, authors: [] });
  });

  it('adds up repeated To and Cc, and takes one Sender', () => {
    const fields = fieldsOf(
      'To: a@x.example',
      'Cc: b@x.example',
      'To: c@x.example',
      'Sender: d@x.example, e@x.example',
    );
    expect(fields.to.map(({ address }) => address)).toEqual(['a@x.example', 'c@x.example']);
    expect(fields.cc).toHaveLength(1);
    expect(fields).toMatchObject({ sender: { name: null, address: 'd@x.example' }, bcc: [], replyTo: [] });
  });

  it('keeps as many recipients as the limit says and drops the half one where a field was cut', () => {
    const fields = fieldsOf(
      `To: ${Array.from({ length: 5_000 }, (_, i) => `user${i}@example.com`).join(', ')}`,
    );
    expect(fields.to.length).toBeGreaterThan(MAX_ADDRESSES.count / 2);
    expect(fields.to.length).toBeLessThanOrEqual(MAX_ADDRESSES.count);
    expect(fields.to.every(({ address }, i) => address === `user${i}@example.com`)).toBe(true);
    expect(fields.truncated).toEqual(expect.arrayContaining(['to', 'headers']));
  });

  it('leaves out the last address of a field that was cut, for it may be half of one', () => {
    const first = ' ana@example.com,';
    const { to, truncated } = fieldsOf(`To:${first.padEnd(MAX_FIELD_BYTES - 9)}bob@example.com`);
    expect(to.map(({ address }) => address)).toEqual(['ana@example.com']);
    expect(truncated).toContain('to');
  });

  it('reads repeated fields up to the limit of one, and says what it left out', () => {
    const half = (address: string) => `To: ${address.padEnd(40_000)}`;
    const fields = fieldsOf(half('a@x.example'), half('b@x.example'), half('c@x.example'));
    expect(fields.to.map(({ address }) => address)).toEqual(['a@x.example', 'b@x.example']);
    expect(fields.truncated).toContain('to');
  });

  it('leaves out an address beyond all length rather than cut it into another one', () => {
    const { to, truncated } = fieldsOf(`To: Ana <${'a'.repeat(2_000)}@example.com>`);
    expect(to).toEqual([{ name: 'Ana', address: null }]);
    expect(truncated).toContain('to');
  });

  it('reads plain lists exactly as mailparser reads them', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9_'&+-]{1,6}$/);
    const address = fc
      .tuple(word, word)
      .map(
        ([local, domain]) => `${local.replaceAll(/['&]/g, '')}x@${domain.replaceAll(/['&+]/g, '')}x.example`,
      );
    const name = fc.oneof(
      fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(' ')),
      fc
        .string({ unit: fc.constantFrom('a', ' ', ',', ';', ':', '<', '@', '(', '.', "'"), minLength: 1 })
        .map((text) => `"${text}"`),
      fc.constantFrom('=?utf-8?Q?J=C3=BC?=', '=?utf-8?B?w7w=?= =?utf-8?B?w7w=?=', '"=?utf-8?Q?a=2Cb?="'),
    );
    const mailbox = fc.oneof(
      address,
      fc.tuple(name, address).map(([phrase, spec]) => `${phrase} <${spec}>`),
    );
    fc.assert(
      fc.property(fc.array(mailbox, { minLength: 1, maxLength: 4 }), (mailboxes) => {
        const text = mailboxes.join(', ');
        const reference = parseAddressHeader(text, { flatten: true, decodePunycode: false }).value;
        const expected = reference.map((entry) => ({
          name: entry.name.trim() || null,
          address: entry.address || null,
        }));
        expect(fieldsOf(`To: ${text}`).to).toEqual(expected);
      }),
    );
  });

  it('formatAddress() shows both halves, or the one there is', () => {
    expect(formatAddress({ name: 'Ana', address: 'a@x.example' })).toBe('Ana <a@x.example>');
    expect(formatAddress({ name: null, address: 'a@x.example' })).toBe('a@x.example');
    expect(formatAddress({ name: 'Ana', address: null })).toBe('Ana');
  });
});
