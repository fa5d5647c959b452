import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BadCommandError, type CommandPart, parseCommand } from '../../../../local/demo/imap/command.ts';

it('reads words, strings, literals, lists and sections', () => {
  const parts: CommandPart[] = [
    { line: 'A1 uid fetch 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (From To)]<0.9>) "a \\"b\\"" ' },
    { literal: Buffer.from('x\r\ny') },
    { line: ' (())' },
  ];

  expect(parseCommand(parts)).toEqual({
    tag: 'A1',
    name: 'UID FETCH',
    args: [
      { kind: 'word', text: '1:*' },
      {
        kind: 'list',
        items: [
          { kind: 'word', text: 'FLAGS' },
          { kind: 'word', text: 'BODY.PEEK[HEADER.FIELDS (From To)]<0.9>' },
        ],
      },
      { kind: 'string', bytes: Buffer.from('a "b"') },
      { kind: 'string', bytes: Buffer.from('x\r\ny') },
      { kind: 'list', items: [{ kind: 'list', items: [] }] },
    ],
  });
});

it.each(['', 'A1', 'A1 X (', 'A1 X )', 'A1 X "', 'A1 X [', `A1 X ${'('.repeat(100)}`])(
  'refuses %j',
  (line) => {
    expect(() => parseCommand([{ line }])).toThrow(BadCommandError);
  },
);

it('any bytes are a command or refused, and nothing else', () => {
  const text = fc.string({ unit: fc.constantFrom(...'A1 ()[]"\\{}*%<>.FETCH\xe9') });
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 3 }), (lines) => {
      const parts = lines.flatMap((line) => [{ line }, { literal: Buffer.from('lit') }]).slice(0, -1);
      try {
        parseCommand(parts);
      } catch (error) {
        expect(error).toBeInstanceOf(BadCommandError);
      }
    }),
    { numRuns: 2_000 },
  );
});
