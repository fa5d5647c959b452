import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeMailboxName, encodeMailboxName } from '../../../../local/demo/imap/mailbox-name.ts';

it.each([
  ['INBOX', 'INBOX'],
  ['Tom & Jerry', 'Tom &- Jerry'],
  ['Entwürfe', 'Entw&APw-rfe'],
  // The example of RFC 3501 section 5.1.3.
  ['~peter/mail/台北/日本語', '~peter/mail/&U,BTFw-/&ZeVnLIqe-'],
])('%s is %s on the wire', (name, wire) => {
  expect(encodeMailboxName(name)).toBe(wire);
  expect(decodeMailboxName(wire)).toBe(name);
});

it('any name comes back, and its wire form is printable ASCII', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (name) => {
      expect(encodeMailboxName(name)).toMatch(/^[ -~]*$/);
      expect(decodeMailboxName(encodeMailboxName(name))).toBe(name);
    }),
  );
});
