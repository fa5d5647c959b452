import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrapFlowed } from '../../../../functions/poll/parse/flowed.ts';

describe('unwrapFlowed()', () => {
  it.each([
    ['paragraphs', 'a \nb \nc\nd\n', 'a b c\nd\n'],
    ['an empty text', '', ''],
    ['lines with a space put in front', ' From a\n  b\n >c', 'From a\n b\n>c'],
    ['quotes of one depth', '> a \n> b\n>> c \n>>d', '> a b\n>> c d'],
    ['quotes of different depths', '> a \n>> b \n c', '> a \n>> b \nc'],
    ['a signature', 'a \n-- \nana \nb', 'a \n-- \nana b'],
    ['a quoted signature', '> a \n> -- \n> ana', '> a \n> -- \n> ana'],
    ['an empty line in a paragraph', 'a \n\nb', 'a \nb'],
    ['a flowed end', 'a \nb ', 'a b '],
  ])('reads %s', (_, text, expected) => {
    expect(unwrapFlowed(text, false)).toBe(expected);
  });

  it('deletes the space of a flowed line where the sender says so, and no other', () => {
    expect(unwrapFlowed('a \nb  \nc\n-- \nd ', true)).toBe('ab c\n-- \nd');
  });

  it('changes nothing of lines that are not flowed', () => {
    const line = fc.stringMatching(/^[a-z]{0,5}( [a-z]{1,5}){0,3}$/).filter((text) => !text.startsWith(' '));
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        expect(unwrapFlowed(lines.join('\n'), true)).toBe(lines.join('\n'));
      }),
    );
  });
});
