/** Mails that cost a parser much, as they were measured against parsers in use: each by its name. */
export const BOMBS: Readonly<Record<string, () => Buffer>> = {
  '10,000 nested multiparts': () => nested(10_000),
  '999 nested multiparts': () => nested(999),
  '100,000 parts': () => multipart('\r\n\r\nx', 100_000),
  '5,000 messages in each other': () =>
    withBody('Content-Type: message/rfc822', 'Content-Type: message/rfc822\r\n\r\n'.repeat(5_000)),
  '900 parts with 1,000 header lines each': () => multipart(`${'a:b\r\n'.repeat(1_000)}\r\nx`, 900),
  'a header line of 100 MB': () => withHeader('x', 100_000_000),
  '100 MB of header lines': () => withHeader('X: yyyyyyyyyy\r\n', 100_000_000),
  '20,000 header lines of one character': () => withHeader('x:\n', 60_000),
  'References with 20,000 ids on 20,000 lines': () =>
    withHeader(`References:${'\r\n <1234567890@example.com>'.repeat(20_000)}`),
  '100,000 recipients': () => withHeader(`To: ${'Ana <ana@example.com>, '.repeat(100_000)}`),
  '300 KB of comments': () => withHeader(`To: ${'('.repeat(150_000)}${')'.repeat(150_000)}`),
  '300 KB of quotes': () => withHeader('To: """', 300_000),
  '300 KB of brackets': () => withHeader(`To: ${'<'.repeat(300_000)}`),
  '300 KB of groups': () => withHeader(`To: ${'a:'.repeat(150_000)}`),
  '20 MB of HTML': () => withBody('Content-Type: text/html', '<p>a <b>b</b></p>\r\n', 20_000_000),
  '20 MB of elements in each other': () => withBody('Content-Type: text/html', '<div>', 20_000_000),
  '20 MB of text': () => withBody('Content-Type: text/plain', 'some words\r\n', 20_000_000),
  '20 MB of flowed text': () => withBody('Content-Type: text/plain; format=flowed', '> a \r\n', 20_000_000),
  '20 MB of UTF-7': () => withBody('Content-Type: text/plain; charset=utf-7', '+AOk-', 20_000_000),
  '64 MB of quoted-printable': () =>
    withBody('Content-Transfer-Encoding: quoted-printable', '=41=42=\r\n', 64_000_000),
  '64 MB of base64': () =>
    withBody(
      'Content-Type: image/png\r\nContent-Transfer-Encoding: base64',
      `${'QUJD'.repeat(19)}\r\n`,
      64_000_000,
    ),
  '30 MB of uuencode': () =>
    withBody(
      'Content-Type: image/png\r\nContent-Transfer-Encoding: x-uuencode',
      'begin 644 a\n#86)C\n',
      30_000_000,
    ),
  '30 MB without its boundary': () =>
    withBody('Content-Type: multipart/mixed', '--b\r\n\r\nx\r\n', 30_000_000),
  '900 multiparts without boundaries': () =>
    multipart('Content-Type: multipart/mixed\r\n\r\n--c\r\n\r\nx', 900),
};

const HEAD = 'Subject: bomb\r\nFrom: a@x.example\r\nMessage-ID: <1@x.example>\r\n';

function withHeader(lines: string, bytes = lines.length): Buffer {
  return filled(HEAD, lines, bytes, '\r\n\r\nhello\r\n');
}

function withBody(header: string, body: string, bytes = body.length): Buffer {
  return filled(`${HEAD}${header}\r\n\r\n`, body, bytes, '');
}

/** Made in place, so that making it takes no more memory than it has. */
function filled(head: string, unit: string, bytes: number, tail: string): Buffer {
  const mail = Buffer.alloc(head.length + bytes + tail.length);
  mail.write(head, 'latin1');
  mail.fill(unit, head.length, head.length + bytes, 'latin1');
  mail.write(tail, head.length + bytes, 'latin1');
  return mail;
}

function multipart(part: string, count: number): Buffer {
  return withBody('Content-Type: multipart/mixed; boundary=b', `${`--b\r\n${part}\r\n`.repeat(count)}--b--`);
}

function nested(depth: number): Buffer {
  const levels = Array.from(
    { length: depth },
    (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`,
  );
  return Buffer.from(`${HEAD}${levels.join('')}\r\ndeep\r\n`);
}
