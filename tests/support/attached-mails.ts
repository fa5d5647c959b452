import { createHash, randomBytes } from 'node:crypto';

/** A mail, and what is attached to it. */
export interface AttachedMail {
  readonly subject: string;
  readonly raw: Buffer;
  /** Of each attachment: its name and its bytes, in their order. */
  readonly files: readonly { readonly name: string; readonly bytes: Buffer }[];
}

interface Part {
  readonly head: readonly string[];
  /** As it stands in the mail. */
  readonly encoded: Buffer | string;
}

const lines = (...all: readonly string[]) => all.map((line) => `${line}\r\n`).join('');
const base64 = (bytes: Buffer, width = 76) =>
  bytes.toString('base64').replace(new RegExp(`.{1,${width}}`, 'g'), '$&\r\n');

function quotedPrintable(bytes: Buffer): string {
  const escaped = [...bytes].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`);
  return escaped.join('').replace(/.{1,75}/g, '$&=\r\n');
}

/** A mail of a text and these parts. */
function mixed(subject: string, parts: readonly Part[]): Buffer {
  const chunks: Buffer[] = [
    Buffer.from(
      lines(
        'From: ana@example.com',
        'To: hook@example.com',
        `Subject: ${subject}`,
        `Message-ID: <${createHash('sha256').update(subject).digest('hex')}@example.com>`,
        'Date: Wed, 25 Nov 2026 08:00:00 +0000',
        'MIME-Version: 1.0',
        'Content-Type: multipart/mixed; boundary="b1"',
        '',
        '--b1',
        'Content-Type: text/plain',
        '',
        'See attached.',
      ),
    ),
  ];
  for (const { head, encoded } of parts) {
    chunks.push(Buffer.from(`--b1\r\n${lines(...head, '')}`), Buffer.from(encoded), Buffer.from('\r\n'));
  }
  chunks.push(Buffer.from('--b1--\r\n'));
  return Buffer.concat(chunks);
}

function attached(name: string, type: string, encoding: string, encoded: Buffer | string): Part {
  const head = [
    `Content-Type: ${type}`,
    `Content-Transfer-Encoding: ${encoding}`,
    `Content-Disposition: attachment; filename="${name}"`,
  ];
  return { head, encoded };
}

function one(subject: string, name: string, bytes: Buffer, part: Part): AttachedMail {
  return { subject, raw: mixed(subject, [part]), files: [{ name, bytes }] };
}

/** Mails of the shapes in which attachments come: encodings, sizes, types, names, nesting. */
export function attachedMails(): AttachedMail[] {
  const pdf = randomBytes(100_000);
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const html = Buffer.from('<script>alert(document.domain)</script>');
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>');
  const text = Buffer.from('one\r\ntwo, with no line end');
  const inner = Buffer.from(lines('From: bo@example.com', 'Subject: inner', '', 'Inner text').trimEnd());
  return [
    one('base64', 'a.pdf', pdf, attached('a.pdf', 'application/pdf', 'base64', base64(pdf))),
    one(
      'base64 in one line',
      'b.bin',
      pdf,
      attached('b.bin', 'application/x-b', 'base64', pdf.toString('base64')),
    ),
    one('base64 of odd width', 'c.bin', pdf, attached('c.bin', 'application/x-c', 'base64', base64(pdf, 61))),
    one(
      'quoted-printable',
      'd.bin',
      all,
      attached('d.bin', 'application/x-d', 'quoted-printable', quotedPrintable(all)),
    ),
    one('7bit', 'e.txt', text, attached('e.txt', 'text/plain', '7bit', text)),
    one('no bytes', 'f.txt', Buffer.alloc(0), attached('f.txt', 'text/plain', 'base64', '')),
    one('html', 'g.html', html, attached('g.html', 'text/html', 'base64', base64(html))),
    one('svg', 'h.svg', svg, attached('h.svg', 'image/svg+xml', 'base64', base64(svg))),
    one('a mail', 'inner.eml', inner, attached('inner.eml', 'message/rfc822', '7bit', inner)),
    one(
      'a name of another alphabet',
      '請求書 №7.pdf',
      pdf,
      attached('=?utf-8?B?6KuL5rGC5pu4IOKEljcucGRm?=', 'application/pdf', 'base64', base64(pdf)),
    ),
    {
      subject: 'many',
      raw: mixed(
        'many',
        Array.from({ length: 20 }, (_, number) =>
          attached(`${number}.txt`, 'text/plain', 'base64', base64(Buffer.from(`number ${number}`))),
        ),
      ),
      files: Array.from({ length: 20 }, (_, number) => ({
        name: `${number}.txt`,
        bytes: Buffer.from(`number ${number}`),
      })),
    },
  ];
}
