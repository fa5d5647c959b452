import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMailboxes } from '../../../../functions/poll/parse/mailboxes.ts';

/** `name|address` of each, with nothing where one is missing. */
const read = (text: string) =>
  readMailboxes(text).map(({ name, address }) => `${name ?? ''}|${address ?? ''}`);

describe('readMailboxes()', () => {
  it.each([
    ['a@b.example', '|a@b.example'],
    ['<a@b.example>', '|a@b.example'],
    ['Ana B. <a@b.example>', 'Ana B.|a@b.example'],
    ['"B, Ana" <a@b.example>', 'B, Ana|a@b.example'],
    ['"Ana \\"A\\" B" <a@b.example>', 'Ana "A" B|a@b.example'],
    ['"a@b.example" <a@b.example>', 'a@b.example|a@b.example'],
    ['a@b.example <a@b.example>', 'a@b.example|a@b.example'],
    ['a@b.example (Ana (A) B)', 'Ana (A) B|a@b.example'],
    ['(x) Ana (y) B <a@b.example> (z)', 'Ana B|a@b.example'],
    ['"quoted local"@b.example', '|"quoted local"@b.example'],
    ['Ana <"quoted local"@b.example>', 'Ana|"quoted local"@b.example'],
    ['Ana <a@[192.0.2.1]>', 'Ana|a@[192.0.2.1]'],
    ['<@r.example,@s.example:a@b.example>', '|a@b.example'],
    ['=?utf-8?Q?B=2C_Ana?= <a@b.example>', 'B, Ana|a@b.example'],
    ['jürgen@exämple.example', '|jürgen@exämple.example'],
  ])('reads %s', (text, expected) => {
    expect(read(text)).toEqual([expected]);
  });

  it.each([
    ['an open quote', '"Ana <a@b.example>', 'Ana|a@b.example'],
    ['an open bracket', 'Ana <a@b.example', 'Ana|a@b.example'],
    ['an open comment', 'Ana (x <a@b.example>', 'Ana x|a@b.example'],
    ['a bracket that only closes', 'Ana a@b.example>', 'Ana|a@b.example'],
    ['two brackets', 'Ana <<a@b.example>>', 'Ana|a@b.example'],
    ['a name in brackets too', 'Ana <Ana B <a@b.example>>', 'Ana|a@b.example'],
    ['text behind the address', 'Ana <a@b.example> B', 'Ana B|a@b.example'],
    ['the name behind the address', '<a@b.example> Ana', 'Ana|a@b.example'],
    ['name and address exchanged', 'a@b.example <Ana B>', 'Ana B|a@b.example'],
    ['a comma in a name', 'B, Ana <a@b.example>', 'B, Ana|a@b.example'],
    ['a link', 'Ana <mailto:a@b.example>', 'Ana|a@b.example'],
    ['square brackets', 'Ana [mailto:a@b.example]', 'Ana|a@b.example'],
    ['spaces around its marks', 'Ana <a @ b . example>', 'Ana|a@b.example'],
    ['spaces around its marks, and no brackets', 'a @ b . example', '|a@b.example'],
    ['an encoded word in quotes', '"=?utf-8?Q?An=C3=A1?=" <a@b.example>', 'Aná|a@b.example'],
    ['no domain', 'Mail System <MAILER-DAEMON>', 'Mail System|MAILER-DAEMON'],
    ['no address', 'MAILER-DAEMON', 'MAILER-DAEMON|'],
  ])('reads a mailbox with %s', (_, text, expected) => {
    expect(read(text)).toEqual([expected]);
  });

  it.each([
    ['Team: a@b.example, Ana <c@d.example>;', ['|a@b.example', 'Ana|c@d.example']],
    ['Team: a@b.example;, x@y.example', ['|a@b.example', '|x@y.example']],
    ['undisclosed-recipients:;', []],
    ['<>', []],
    ['"" <>', []],
    ['', []],
    [',, a@b.example ,,c@d.example,', ['|a@b.example', '|c@d.example']],
    ['a@b.example; c@d.example', ['|a@b.example', '|c@d.example']],
    ['a@b.example c@d.example', ['|a@b.example', '|c@d.example']],
    ['Ana <a@b.example> Bob <c@d.example>', ['Ana|a@b.example', 'Bob|c@d.example']],
    ['<a@b.example><c@d.example>', ['|a@b.example', '|c@d.example']],
    ['<a@b.example, c@d.example>', ['|a@b.example', '|c@d.example']],
    ['"Ana" <a@b.example> (x), "Bob" <c@d.example>', ['Ana|a@b.example', 'Bob|c@d.example']],
    ['root, a@b.example', ['root|', '|a@b.example']],
  ])('reads the list %s', (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it.each([
    '=?utf-8?Q?x=40evil.example?=',
    '=?utf-8?Q?x=40evil.example_=3Cy@z.example=3E?=',
    '=?utf-8?Q?=3Cx=40evil.example=3E?=',
  ])('makes no address of the encoded word %s', (text) => {
    expect(readMailboxes(text).map(({ address }) => address)).toEqual([null]);
  });

  it('gives back any list of names and addresses', () => {
    const name = fc
      .string({ unit: fc.constantFrom(...'aé,;:<>()"\\@. '), maxLength: 12 })
      .map((text) => text.trim());
    const address = fc.stringMatching(/^[a-z]{1,5}(\.[a-z]{1,3})?@[a-z]{1,5}\.example$/);
    fc.assert(
      fc.property(fc.array(fc.record({ name, address }), { maxLength: 5 }), (list) => {
        const text = list.map((one) => `"${one.name.replace(/["\\]/g, '\\$&')}" <${one.address}>`).join(', ');
        const expected = list.map((one) => ({ name: one.name || null, address: one.address }));
        // Of a backslash in front of a parenthesis nothing says whether it was meant.
        fc.pre(!/\\[()]/.test(text));
        expect(readMailboxes(text)).toEqual(expected);
      }),
    );
  });

  it.each(['"', '(', '<', '<@,', '<a@b', ':', ',', 'a@ ', '@', '(a)', '"a" ', '\\', "@'", 'x, ', '<a '])(
    'takes no time over 64 KB of %s',
    (piece) => {
      const before = performance.now();
      readMailboxes(piece.repeat(65_536 / piece.length));
      readMailboxes(`${piece.repeat(65_536 / piece.length)}x`);
      expect(performance.now() - before).toBeLessThan(2_000);
    },
  );
});
