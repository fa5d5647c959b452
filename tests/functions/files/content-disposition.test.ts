import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attachmentDisposition } from '../../../functions/files/content-disposition.ts';

/** What a client reads (RFC 6266 section 4.3): the extended name where there is one, else the plain one. */
function nameIn(header: string): string | undefined {
  const extended = /; filename\*=UTF-8''([^;]*)$/.exec(header)?.[1];
  return extended === undefined ? /; filename="([^"]*)"$/.exec(header)?.[1] : decodeURIComponent(extended);
}

describe('attachmentDisposition()', () => {
  it.each([
    ['a.pdf', 'attachment; filename="a.pdf"'],
    ['Rechnung Nr. 7.pdf', 'attachment; filename="Rechnung Nr. 7.pdf"'],
    ['Grüße.txt', 'attachment; filename="Gr__e.txt"; filename*=UTF-8\'\'Gr%C3%BC%C3%9Fe.txt'],
    ['a"b\\c.txt', 'attachment; filename="a_b_c.txt"; filename*=UTF-8\'\'a%22b%5Cc.txt'],
    ['100%.txt', 'attachment; filename="100_.txt"; filename*=UTF-8\'\'100%25.txt'],
    ["it's (1)*.txt", 'attachment; filename="it\'s (1)*.txt"'],
    ['日本.txt', 'attachment; filename="__.txt"; filename*=UTF-8\'\'%E6%97%A5%E6%9C%AC.txt'],
    ['\ud800.txt', 'attachment; filename="_.txt"; filename*=UTF-8\'\'%EF%BF%BD.txt'],
  ])('%j', (filename, expected) => {
    expect(attachmentDisposition(filename)).toBe(expected);
  });

  it('whatever the name is, it is one header that saves, and says the name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (filename) => {
        const header = attachmentDisposition(filename);
        expect(header).toMatch(/^attachment; filename="[^"\\%]*"(; filename\*=UTF-8''[\w!#$&+.^`|~%-]*)?$/);
        expect(header).toMatch(/^[\x20-\x7e]*$/);
        expect(nameIn(header)).toBe(filename.toWellFormed());
      }),
    );
  });
});
