const lines = (...text: string[]) => Buffer.from(`${text.join('\r\n')}\r\n`);

/** Mail that was in the mailbox before mailhook: it is not delivered. */
export const OLD_MAIL = lines(
  'From: Old Friend <old@example.com>',
  'To: ana@example.com',
  'Subject: From before',
  'Message-ID: <old-1@example.com>',
  'Date: Mon, 5 Jan 2026 09:00:00 +0000',
  '',
  'You have read this already.',
);

/** A mail with an encoded subject, text and html, and a file. */
export const INVOICE_MAIL = lines(
  'From: =?UTF-8?Q?B=C3=BCro_M=C3=BCller?= <office@example.com>',
  'To: Ana <ana@example.com>',
  'Subject: =?UTF-8?B?UmVjaG51bmcgTnIuIDc=?=',
  'Message-ID: <invoice-7@example.com>',
  'Date: Wed, 25 Nov 2026 08:00:00 +0100',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="b1"',
  '',
  '--b1',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Hallo Ana, anbei die Rechnung. Gr=C3=BC=C3=9Fe!',
  '--b1',
  'Content-Type: text/csv; name="invoice.csv"',
  'Content-Disposition: attachment; filename="invoice.csv"',
  'Content-Transfer-Encoding: base64',
  '',
  Buffer.from('item,price\ncoffee,7.00\n').toString('base64'),
  '--b1--',
);

/** A mail that the demo's receiver refuses twice. */
export const STUBBORN_MAIL = lines(
  'From: Bob <bob@example.com>',
  'To: ana@example.com',
  'Subject: Please try again',
  'Message-ID: <again-1@example.com>',
  'Date: Wed, 25 Nov 2026 08:05:00 +0100',
  '',
  'The receiver fails twice on this one, then takes it.',
);

/** A mail for the POP3 mailbox. */
export const ORDER_MAIL = lines(
  'From: Shop <shop@example.com>',
  'To: orders@example.com',
  'Subject: Order 4711',
  'Message-ID: <order-4711@example.com>',
  'Date: Wed, 25 Nov 2026 08:10:00 +0100',
  '',
  'One coffee grinder, please.',
  '.and this line begins with a dot.',
);
