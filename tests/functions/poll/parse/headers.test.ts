import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstField, readHeaderSection, withLineFeeds } from '../../../../functions/poll/parse/headers.ts';
import { MAX_FIELD_BYTES, MAX_HEADER_FIELDS } from '../../../../functions/poll/parse/limits.ts';

const read = (text: string) => readHeaderSection(Buffer.from(text, 'latin1'));
const pairs = (text: string) =>
  read(text).fields.map((field) => [field.name, field.value.toString('latin1')]);

describe('readHeaderSection()', () => {
  it.each([
    ['CRLF', 'A: 1\r\nB: 2\r\n\r\nbody', 14],
    ['LF', 'A: 1\nB: 2\n\nbody', 11],
    ['mixed line ends', 'A: 1\nB: 2\r\n\nbody', 12],
    ['no empty line', 'A: 1\r\nB: 2\r\n', 12],
    ['no line end at all', 'A: 1\r\nB: 2', 10],
  ])('reads fields and finds the body with %s', (_, text, bodyStart) => {
    expect(pairs(text)).toEqual([
      ['A', ' 1'],
      ['B', ' 2'],
    ]);
    expect(read(text).bodyStart).toBe(bodyStart);
  });

  it('keeps the folds of a field and the order and case of names', () => {
    expect(pairs('Subject: a\r\n b\r\n\tc\r\nX-y: 1\r\nsubject: d\r\n\r\n')).toEqual([
      ['Subject', ' a\r\n b\r\n\tc'],
      ['X-y', ' 1'],
      ['subject', ' d'],
    ]);
  });

  it('takes white space in front of the colon (RFC 5322 section 4.5)', () => {
    expect(pairs('Subject : a\r\n\r\n')).toEqual([['Subject', ' a']]);
  });

  it('leaves out lines that are no fields and reads on', () => {
    const junk =
      'From ana@example.com Mon Jan 1 10:00:00 2024\r\nno field\r\nA: 1\r\n: 2\r\nB\xff: 3\r\n C: 4\r\nD: 5\r\n\r\n';
    expect(pairs(junk).map(([name]) => name)).toEqual(['A', 'D']);
  });

  it('takes bytes without any field for a body', () => {
    expect(read('hello\r\n\r\nworld')).toMatchObject({ fields: [], bodyStart: 0 });
  });

  it.each([
    ['no empty line behind the header', 'A: 1\r\nB: 2\r\n', 'hello world\r\n\r\nmore\r\n'],
    ['a line of white space instead', 'A: 1\r\nB: 2\r\n \t\r\n', 'hello world\r\nmore\r\n'],
    ['a delimiter right behind', 'A: 1\r\nB: 2\r\n', 'preamble\r\n--b\r\nC: 3\r\n\r\nhello'],
    ['a field without a name at the end', 'A: 1\r\nB: 2\r\n: 3\r\n\r\n', 'hello'],
    ['a byte order mark in front', '\xef\xbb\xbfA: 1\r\nB: 2\r\n\r\n', 'hello'],
    ['an mbox line in front', 'From a@b Mon Jan 1\r\nA: 1\r\nB: 2\r\n\r\n', 'hello'],
    ['blank lines in front of an mbox line', '\n\r\nFrom a@b Mon Jan 1\nA: 1\nB: 2\n\n', 'hello'],
  ])('loses no body and no field with %s', (_, head, body) => {
    expect(pairs(head + body).map(([name]) => name)).toEqual(['A', 'B']);
    expect((head + body).slice(read(head + body).bodyStart)).toBe(body);
  });

  it('skips blank lines in front of what opens as headers do, and of nothing else', () => {
    expect(pairs('\r\n\r\nReceived: a\r\nX: b\r\n\r\n').map(([name]) => name)).toEqual(['Received', 'X']);
    expect(read('\r\nNote: a\r\n')).toMatchObject({ fields: [], bodyStart: 2 });
    expect(read('\r\nhello\r\n')).toMatchObject({ fields: [], bodyStart: 2 });
  });

  it('takes a line of white space for a fold where header follows', () => {
    expect(pairs('Subject: a\r\n \r\n b\r\nC: 1\r\n \r\nD: 2\r\n\r\n').map(([name]) => name)).toEqual([
      'Subject',
      'C',
      'D',
    ]);
  });

  it('keeps a field named __proto__ as a field like any other', () => {
    const section = read('__proto__: x\r\nconstructor: y\r\n\r\n');
    expect(section.fields.map((field) => field.key)).toEqual(['__proto__', 'constructor']);
    expect(firstField(section, 'toString')).toBeNull();
  });

  it('cuts an overlong field and says so', () => {
    const section = read(`A: ${'x'.repeat(MAX_FIELD_BYTES)}\r\nB: 2\r\n\r\nbody`);
    expect(section.truncated).toBe(true);
    expect(section.fields[0]?.value).toHaveLength(MAX_FIELD_BYTES);
    expect(firstField(section, 'b')).not.toBeNull();
    expect(read('A: 1\r\n\r\n').truncated).toBe(false);
  });

  it('stops reading at the limit of fields and still finds the body', () => {
    const text = `${'a: b\r\n'.repeat(MAX_HEADER_FIELDS + 5)}\r\nbody`;
    const section = read(text);
    expect(section.fields.length).toBeLessThanOrEqual(MAX_HEADER_FIELDS + 1);
    expect(section.truncated).toBe(true);
    expect(section.bodyStart).toBe(text.length - 4);
  });

  it('finds the fields behind 100,000 folded lines', () => {
    const section = read(`To: a@x\r\n${' ,b@x\r\n'.repeat(100_000)}Content-Type: text/html\r\n\r\nbody`);
    expect(section.fields.map(({ key }) => key)).toEqual(['to', 'content-type']);
  });

  it('never throws, and its views lie within the bytes, one behind the other', () => {
    const chunk = fc.constantFrom(
      'A: b',
      '\r\n',
      '\n',
      '\r',
      ' ',
      '\t',
      ':',
      'x',
      '\0',
      '\xff',
      '=?utf-8?q?a?=',
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
      fc.array(chunk, { maxLength: 60 }).map((parts) => Buffer.from(parts.join(''), 'latin1')),
    );
    fc.assert(
      fc.property(bytes, (message) => {
        const { fields, bodyStart } = readHeaderSection(message);
        expect(bodyStart).toBeLessThanOrEqual(message.length);
        let end = 0;
        for (const { line, value, key } of fields) {
          const start = line.byteOffset - message.byteOffset;
          expect(start).toBeGreaterThanOrEqual(end);
          end = start + line.length;
          expect(value.byteOffset + value.length).toBeLessThanOrEqual(message.byteOffset + end);
          expect(key).toMatch(/^[!-9;-~]+$/);
        }
        expect(end).toBeLessThanOrEqual(Math.max(bodyStart, 0));
      }),
      { numRuns: 500 },
    );
  });

  it('reads from a header section what it reads from the whole message', () => {
    const line = fc.constantFrom('A: b', 'Subject: c', ' fold', 'junk', 'B : d', '\xe9: x');
    const inputs = fc.tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom('\r\n', '\n'), fc.string());
    fc.assert(
      fc.property(inputs, ([lines, end, body]) => {
        const head = lines.map((text) => text + end).join('') + end;
        const names = (text: string) => read(text).fields.map(({ line: raw }) => raw.toString('latin1'));
        expect(names(head + body)).toEqual(names(head));
      }),
    );
  });

  it.each([
    ['one line', (size: number) => Buffer.alloc(size, 'a')],
    ['line ends', (size: number) => Buffer.alloc(size, '\n ')],
    ['short lines', (size: number) => Buffer.alloc(size, 'a:b\r\n')],
    ['colons', (size: number) => Buffer.alloc(size, ':')],
    ['spaces behind a name', (size: number) => Buffer.concat([Buffer.from('a'), Buffer.alloc(size, ' ')])],
  ])('reads 20 MB of %s within a second', (_, make) => {
    const bytes = make(20_000_000);
    const before = performance.now();
    readHeaderSection(bytes);
    expect(performance.now() - before).toBeLessThan(1_000);
  });
});

describe('withLineFeeds()', () => {
  it('ends the lines of a message with LF where CR alone ends them, and leaves every other as it is', () => {
    const bare = Buffer.from('A: 1\rB: 2\r\rbody');
    expect(withLineFeeds(bare).toString()).toBe('A: 1\nB: 2\n\nbody');
    expect(bare.toString()).toBe('A: 1\rB: 2\r\rbody');
    const usual = Buffer.from('A: 1\r\n\r\na\rb');
    expect(withLineFeeds(usual)).toBe(usual);
    const line = Buffer.from('A: 1\r\n');
    expect(withLineFeeds(line)).toBe(line);
  });

  it.each(['', '\r'])('gives the same of such a message that a POP3 server has ended with CR LF', (end) => {
    const bare = Buffer.from(`A: 1\r\rbody${end}`);
    expect(withLineFeeds(Buffer.concat([bare, Buffer.from('\r\n')]))).toEqual(withLineFeeds(bare));
  });

  it('mends lines that end in CR CR LF', () => {
    expect(withLineFeeds(Buffer.from('A: 1\r\r\n\r\r\na\rb\r\r\r\nc\n\r')).toString()).toBe(
      'A: 1\r\n\r\na\rb\r\nc\n\r',
    );
  });
});
