import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readHeaderSection } from '../../../../functions/poll/parse/headers.ts';
import { readLeaves } from '../../../../functions/poll/parse/leaf-parts.ts';
import { readPartHeader } from '../../../../functions/poll/parse/part-header.ts';
import { readPlainBody } from '../../../../functions/poll/parse/plain-body.ts';
import { mail } from '../../../support/parse-job.ts';

const type = fc.constantFrom(
  'X: none',
  'Content-Type: text/plain',
  'Content-Type: TEXT/HTML;',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Type: text/html;\r\n charset="ISO-8859-1"',
  'Content-Type: text/plain; charset=x-nope',
  'Content-Type: text/plain; charset=utf-8; format=flowed',
  'Content-Type: text/plain; format=flowed; delsp=yes',
  'Content-Type: text/html; format=flowed',
);
const encoding = fc.constantFrom(
  'X: none',
  'Content-Transfer-Encoding: 8bit',
  'Content-Transfer-Encoding: Quoted-Printable',
  'Content-Transfer-Encoding: base64',
);
const body = fc.oneof(
  fc
    .array(
      fc.constantFrom('a', ' ', '=\r\n', '=C3=BC', '\r\n', '\n', 'ü', '\xe9', '> ', '-- ', '\0', '--b\r\n'),
      { maxLength: 30 },
    )
    .map((parts) => Buffer.from(parts.join(''))),
  fc.uint8Array({ maxLength: 60 }).map((bytes) =>
    Buffer.from(
      `${Buffer.from(bytes)
        .toString('base64')
        .replace(/.{1,20}/g, '$&\r\n')}`,
    ),
  ),
  fc
    .array(fc.constantFrom('QUJD', 'QQ==', 'QUI=', '\r\n', 'Q', '=', ' ', '-'), { maxLength: 12 })
    .map((parts) => Buffer.from(parts.join(''))),
);

describe('readPlainBody()', () => {
  it('reads what mailparser reads, of every body that it takes on', async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(type, encoding, body, async (contentType, transferEncoding, bytes) => {
        const head = mail(contentType, transferEncoding, '');
        const section = readHeaderSection(head);
        const plain = readPlainBody(section, bytes);
        if (plain === null) return;
        taken += 1;
        const { texts, attachments } = await readLeaves(readPartHeader(section, 'text/plain'), bytes);
        expect(attachments).toEqual([]);
        expect(plain).toEqual(texts[0]);
      }),
      { numRuns: 1_000 },
    );
    expect(taken).toBeGreaterThan(500);
  });

  it.each([
    ['a disposition', ['Content-Disposition: inline']],
    ['another type', ['Content-Type: text/calendar']],
    ['a parameter more', ['Content-Type: text/plain; charset=utf-8; name=a.txt']],
    ['an unknown transfer encoding', ['Content-Transfer-Encoding: x-uuencode']],
    ['broken base64', ['Content-Transfer-Encoding: base64', 'X: y']],
  ])('leaves %s to mailparser', (_, lines) => {
    expect(readPlainBody(readHeaderSection(mail(...lines, '')), Buffer.from('QQ==QQ=='))).toBeNull();
  });
});
